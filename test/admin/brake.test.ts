import t from "tap";
import { createBrake } from "../../src/admin/brake.ts";

const braked = (brake: ReturnType<typeof createBrake>, address: string): boolean => brake.failed(address, 0) > 0;

t.test("addresses are counted apart, IPv6 by /64, and an IPv4-mapped one as what it is", async (t) => {
  const brake = createBrake();
  for (let count = 0; count < 10; count++) {
    brake.failed("192.0.2.1", 0);
    brake.failed(`2001:db8:0:1::${count}`, 0);
  }
  t.ok(braked(brake, "::ffff:192.0.2.1"));
  t.notOk(braked(brake, "192.0.2.2"));
  t.ok(braked(brake, "2001:db8:0:1:ffff::"));
  t.notOk(braked(brake, "2001:db8:0:2::1"));
});

t.test("a flood of addresses takes bounded room: the oldest is forgotten, the newest are not", async (t) => {
  const brake = createBrake();
  for (let count = 0; count < 10; count++) brake.failed("192.0.2.1", 0);
  for (let count = 0; count < 10; count++) brake.failed("10.0.3.231", 0);
  for (let count = 0; count < 999; count++) brake.failed(`10.0.${count >> 8}.${count & 255}`, 0);
  t.ok(braked(brake, "10.0.3.231"));
  t.notOk(braked(brake, "192.0.2.1"));
});
