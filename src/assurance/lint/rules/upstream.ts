/** L303, L304, L311: the way to the service, and what of the caller's own goes along. */
import { isNear } from "../near.ts";
import { type Observation, type ServiceRule } from "../observation.ts";

export const upstream: ServiceRule = ({ service, file }) => {
  const { origin, verifyTls, forward } = service.upstream;
  const found: Observation[] = [];
  const url = URL.parse(origin);
  if (url?.protocol === "http:" && !isNear(url.hostname) && !file.isUnknown(["upstream", "url"]))
    found.push({ code: "L303", file, path: ["upstream", "url"], message: `requests go to \`${url.hostname}\` in clear` });
  if (!verifyTls) found.push({ code: "L304", file, path: ["upstream", "verify"], message: "the service's certificate is not verified" });
  const told = [...(forward.credential ? ["credentials"] : []), ...(forward.cookies ? ["cookies"] : [])].join(" and ");
  if (told !== "")
    found.push({
      code: "L311",
      file,
      path: ["upstream", "forward"],
      part: "key",
      message: `\`${service.name}\` receives its callers' ${told}`,
    });
  return found;
};
