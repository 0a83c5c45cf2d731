import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import t from "tap";
import { markdownFiles, readMarkdown, ROOT } from "./fixtures/markdown.ts";

const files = markdownFiles();

t.test("every relative link in the documents leads to a file, and to a heading where it names one", (t) => {
  const all = files.flatMap(({ path, links }) => links.filter(isRelative).map((link) => ({ path, link })));
  t.ok(all.length > 50, "the links were found");
  for (const { path, link } of all) t.equal(faultOf(path, link), undefined, `${path} → ${link}`);
  t.end();
});

t.test("every page can be reached from the README", (t) => {
  const reached = new Set<string>();
  const walk = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const link of readMarkdown(path).links.filter(isRelative)) {
      const target = targetOf(path, link).file;
      if (target.endsWith(".md") && existsSync(join(ROOT, target))) walk(target);
    }
  };
  walk("README.md");
  t.same(
    files.map(({ path }) => path).filter((path) => !reached.has(path)),
    [],
  );
  t.end();
});

function isRelative(link: string): boolean {
  return !/^[a-z][a-z0-9+.-]*:/i.test(link);
}

function targetOf(path: string, link: string): { readonly file: string; readonly fragment: string | undefined } {
  const [file = "", fragment] = link.split("#");
  return { file: file === "" ? path : normalize(join(dirname(path), file)), fragment };
}

function faultOf(path: string, link: string): string | undefined {
  const { file, fragment } = targetOf(path, link);
  if (!existsSync(join(ROOT, file))) return `there is no ${file}`;
  if (fragment === undefined || !file.endsWith(".md")) return undefined;
  return readMarkdown(file).anchors.has(fragment) ? undefined : `${file} has no heading #${fragment}`;
}
