/** What holds of every command: help that fits and shows an example, and plain words on wrong use. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import t from "tap";
import { allCommands, commandsFor } from "../../src/cli/commands.ts";
import { answerOf } from "./run-command.ts";

const COLUMNS = 80;
const SHIPPED = join(import.meta.dirname, "../../config/sallyport.yaml");
const commands = await allCommands();

function tooWide(text: string): readonly string[] {
  return text.split("\n").filter((line) => line.length > COLUMNS);
}

for (const { name, summary, usage, help, options, positionals } of commands) {
  const words = name.split(" ");
  t.test(`${name}: --help fits 80 columns, gives an example, and names every option`, async (t) => {
    const { code, out, err } = await answerOf([...words, "--help"]);
    t.same({ code, err }, { code: 0, err: "" });
    t.same(tooWide(out), []);
    t.match(out, new RegExp(`^ {2}sallyport ${name}(?: |$)`, "m"), "an example");
    for (const option of Object.keys(options)) {
      t.match(usage, `--${option}`, "in the usage line");
      t.match(help, new RegExp(`^ {2}--${option}\\b`, "m"), "with what it means");
    }
    if ("json" in options) t.match(help, /--json +(?:for machines: \S|the same as --format json)/, "the shape of --json");
  });

  t.test(`${name}: its summary begins as all others do`, async (t) => {
    t.match(summary, /^[a-z][^A-Z]*s\b.*[^.]$/s);
  });

  t.test(`${name}: a wrong option, a value too few and a word too many are wrong use, in our own words`, async (t) => {
    const extra = Array.from({ length: Math.min(positionals[1] + 1, 2000) }, () => "word");
    const wrong: [string[], RegExp][] = [
      [["--no-such-option"], /unknown option --no-such-option/],
      [["-x"], /unknown option -x/],
      [["--config"], /--config takes a value/],
      [["--config", "--help"], /--config takes a value/],
      [["--help=yes"], /--help takes no value/],
      [extra, /unexpected argument "word"/],
    ];
    for (const [argv, message] of wrong) {
      const { code, out, err } = await answerOf([...words, ...argv]);
      t.same({ code, out }, { code: 2, out: "" }, argv.slice(0, 2).join(" "));
      t.match(err, message);
      t.match(err, `\nusage: sallyport ${name}`);
      t.same(tooWide(err.slice(err.indexOf("\n"))), []);
    }
  });

  if (positionals[0] > 0)
    t.test(`${name}: a word that is missing is named`, async (t) => {
      const { code, err } = await answerOf(words);
      t.equal(code, 2);
      t.match(err, new RegExp(`^sallyport ${name}: [A-Z]+( and [A-Z]+)* (is|are) missing\n`));
    });
}

t.test("the overview lists every command within 80 columns", async (t) => {
  for (const argv of [["--help"], ["-h"], ["help"]]) {
    const { code, out } = await answerOf(argv);
    t.equal(code, 0);
    t.same(tooWide(out), []);
    for (const { name } of commands) t.match(out, new RegExp(`^ {2}${name} `, "m"));
  }
  t.match(await answerOf([]), { code: 2, out: "", err: /^usage: / });
});

t.test("a command is found by the first word of its name, and with it none but those that share the word", async (t) => {
  for (const { name } of commands) {
    const [first = ""] = name.split(" ");
    const found = await commandsFor(name.split(" "));
    t.ok(
      found.some((one) => one.name === name),
      name,
    );
    t.same(
      found.filter((one) => one.name.split(" ")[0] !== first),
      [],
      name,
    );
  }
});

t.test("--version is that of package.json, and the overview speaks of it", async (t) => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8")) as { version: string };
  t.same(await answerOf(["--version"]), { code: 0, out: `${version}\n`, err: "" });
  t.match((await answerOf(["--help"])).out, "sallyport --version");
});

t.test("wrong use is told within the width of the terminal", async (t) => {
  const argv = ["accounts", "create", "bot", "--service", "nowhere", "--role", "r", "--config", SHIPPED];
  for (const columns of [80, 50]) {
    const { code, err } = await answerOf(argv, { columns });
    t.equal(code, 2);
    const [said = ""] = err.split("\nusage:");
    t.same(
      said.split("\n").filter((line) => line.length > columns),
      [],
    );
    t.match(said.replaceAll("\n    ", " "), 'there is no service "nowhere"; one of: model-registry, pie, stackflow');
  }
});

t.test("a group of commands lists its own", async (t) => {
  t.match(await answerOf(["keys", "--help"]), { code: 0, out: /keys revoke/ });
  t.notMatch((await answerOf(["keys", "--help"])).out, "accounts");
  t.match(await answerOf(["keys"]), { code: 2, err: /^sallyport: keys is a group of commands\n.*keys create/s });
});

t.test("an unknown command or option comes with what was probably meant", async (t) => {
  const cases: [string[], string][] = [
    [["chek"], 'unknown command "chek"; did you mean "check"?'],
    [["keys", "revok", "x"], 'unknown command "keys revok"; did you mean "keys revoke"?'],
    [["acounts", "list"], 'unknown command "acounts"; did you mean "accounts"?'],
    [["--config", "x", "check"], "the command comes first"],
    [["check", "--jsno"], "unknown option --jsno; did you mean --json?"],
    [["check", "--conf", "x"], "unknown option --conf; did you mean --config?"],
    [["explain", "GET"], "URL is missing"],
    [["explain"], "METHOD and URL are missing"],
    [["check", SHIPPED], `unexpected argument ${JSON.stringify(SHIPPED)}; did you mean --config ${SHIPPED}?`],
    [["routes", dirname(SHIPPED)], `did you mean --config ${dirname(SHIPPED)}?`],
  ];
  for (const [argv, words] of cases)
    t.match(await answerOf(argv, { columns: 300 }), { code: 2, out: "", err: new RegExp(RegExp.escape(words)) });
});

t.test("a value may begin with a dash where it is written after =, and may be a dash", async (t) => {
  t.match(await answerOf(["check", "--config=-x.yaml"]), { code: 1, err: /-x\.yaml/ });
  t.match(await answerOf(["explain", "GET", "/", "--config", "-"]), { code: 1 });
});
