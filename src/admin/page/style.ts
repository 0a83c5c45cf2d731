/** The page's look: light and dark by the reader's system, narrow screens without side-scrolling. */
export const STYLE = `
:root { color-scheme: light dark; --ground: #f3f5f9; --card: #fff; --ink: #18202e; --quiet: #566178; --line: #dbe1eb; --faint: #edf0f6; --accent: #2456c7; --good: #14683b; --good-tint: #e2f5ea; --warn: #8a5200; --warn-tint: #fdf1da; --bad: #a3211b; --bad-tint: #fdeceb; }
@media (prefers-color-scheme: dark) { :root { --ground: #0f141d; --card: #171f2d; --ink: #e8ecf4; --quiet: #9aa6bd; --line: #2e394e; --faint: #1f2939; --accent: #8caffc; --good: #7fd9a4; --good-tint: #14331f; --warn: #f2c071; --warn-tint: #3a2b10; --bad: #ff9d96; --bad-tint: #3b1c1e; } }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; min-width: 320px; background: var(--ground); color: var(--ink); font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1, h2, p, pre, dl, dd { margin: 0; }
h1 { font-size: 17px; letter-spacing: -.01em; }
h2 { font-size: 14px; font-weight: 650; }
main { max-width: 1360px; margin: 0 auto; padding: 20px 24px 48px; display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); }
.mono, pre, .code, .method { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .93em; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
.small { font-size: 12.5px; }
.pad { padding: 10px 16px; }
.bar { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: 8px 16px; justify-content: space-between; align-items: center; padding: 10px 24px; background: var(--card); border-bottom: 1px solid var(--line); }
.brand, .bar-end { display: flex; align-items: center; gap: 10px; }
.gate { width: 17px; height: 19px; border: 2px solid var(--accent); border-bottom: 0; border-radius: 9px 9px 0 0; box-shadow: inset 0 0 0 3px var(--card), inset 0 0 0 9px var(--accent); }
.pill { display: inline-block; padding: 0 9px; border-radius: 99px; font-size: 12px; font-weight: 600; line-height: 20px; white-space: nowrap; background: var(--faint); color: var(--quiet); }
.pill.good { background: var(--good-tint); color: var(--good); }
.pill.warn { background: var(--warn-tint); color: var(--warn); }
.pill.bad { background: var(--bad-tint); color: var(--bad); }
.bad-text { color: var(--bad); }
.cards { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); }
.card, .panel { background: var(--card); border: 1px solid var(--line); border-radius: 10px; min-width: 0; }
.card { padding: 14px 16px; }
.card h2 { color: var(--quiet); font-weight: 500; font-size: 13px; }
.figure { font-size: 20px; font-weight: 600; letter-spacing: -.01em; margin: 2px 0; min-height: 1.5em; }
.figure.mono { font-size: 19px; }
.panel { overflow: hidden; }
.panel-head { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; justify-content: space-between; padding: 10px 16px; border-bottom: 1px solid var(--line); min-height: 53px; }
.count { color: var(--quiet); font-weight: 500; }
.tools { display: flex; gap: 8px; flex: 0 1 340px; }
.tools input { flex: 1; min-width: 0; }
input, button { font: inherit; color: inherit; border: 1px solid var(--line); border-radius: 7px; padding: 4px 11px; background: var(--card); }
input { background: var(--ground); }
input::placeholder { color: var(--quiet); opacity: 1; }
button { font-weight: 550; cursor: pointer; white-space: nowrap; }
button:hover { border-color: var(--accent); color: var(--accent); }
button:disabled { opacity: .5; cursor: default; }
button.link { border: 0; padding: 0; background: none; color: var(--accent); font-weight: 400; text-align: left; }
button.link:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.scroll { overflow: auto; }
.tall { max-height: 420px; }
table { width: 100%; border-collapse: collapse; }
th { position: sticky; top: 0; background: var(--card); text-align: left; font-weight: 500; font-size: 12.5px; color: var(--quiet); padding: 7px 16px; box-shadow: inset 0 -1px var(--line); }
td { padding: 7px 16px; vertical-align: top; border-top: 1px solid var(--faint); }
tbody tr:first-child td { border-top: 0; }
tbody tr:hover { background: var(--faint); }
.empty { color: var(--quiet); }
.code { font-weight: 600; font-size: 12.5px; margin-left: 4px; }
.service + .service { border-top: 1px solid var(--line); }
summary { display: flex; flex-wrap: wrap; gap: 2px 14px; align-items: baseline; padding: 10px 16px; cursor: pointer; }
summary::before { content: "▸"; color: var(--quiet); }
details[open] > summary::before { content: "▾"; }
.service-name { font-weight: 650; }
.proofs { display: flex; flex-wrap: wrap; gap: 2px 20px; padding: 0 16px 8px 36px; font-size: 13px; }
.proof strong { color: var(--ink); font-weight: 600; }
.routes, .refusals { table-layout: fixed; min-width: 940px; }
.routes th:nth-child(1) { width: 86px; }
.routes th:nth-child(2) { width: 27%; }
.routes th:nth-child(3) { width: 15%; }
.routes th:nth-child(4) { width: 13%; }
.routes th:nth-child(5) { width: 19%; }
.refusals th:nth-child(1) { width: 228px; }
.refusals th:nth-child(2) { width: 29%; }
.refusals th:nth-child(3) { width: 18%; }
.refusals th:nth-child(5) { width: 162px; }
.method { font-weight: 600; }
.access { font-weight: 600; overflow-wrap: anywhere; }
.access.open { color: var(--warn); }
.access.shut { color: var(--bad); }
.tag { display: table; margin-top: 2px; padding: 0 6px; border: 1px solid var(--line); border-radius: 5px; font-size: 12px; color: var(--quiet); }
.limit { font-size: 12.5px; color: var(--quiet); }
.notice { border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px; background: var(--card); }
.notice.good { background: var(--good-tint); color: var(--good); border-color: transparent; }
.notice.bad { background: var(--bad-tint); color: var(--bad); border-color: transparent; }
.notice pre { margin-top: 10px; padding: 12px; border-radius: 7px; background: var(--card); color: var(--ink); overflow: auto; max-height: 320px; overflow-wrap: normal; }
dialog { width: min(720px, calc(100vw - 32px)); padding: 0; border: 1px solid var(--line); border-radius: 12px; background: var(--card); color: var(--ink); box-shadow: 0 20px 60px rgb(10 16 30 / .3); }
dialog::backdrop { background: rgb(10 16 30 / .45); }
dl { display: grid; grid-template-columns: 110px minmax(0, 1fr); gap: 6px 16px; padding: 14px 16px 18px; }
dt { color: var(--quiet); }
dd { white-space: pre-wrap; }
@media (max-width: 760px) {
  main { padding: 14px 12px 32px; }
  .bar { padding: 10px 12px; }
  .tools { flex: 1 1 100%; }
  .tall { max-height: 70vh; }
  .routes, .refusals { min-width: 0; }
  thead { display: none; }
  table, tbody, tr, td { display: block; width: 100%; }
  tr { padding: 8px 0; border-top: 1px solid var(--line); }
  td { display: grid; grid-template-columns: 92px minmax(0, 1fr); gap: 0 10px; padding: 3px 14px; border: 0; }
  td > * { grid-column: 2; justify-self: start; }
  td::before { content: attr(data-label); color: var(--quiet); font-size: 12.5px; grid-column: 1; grid-row: 1; }
  td.empty { display: block; }
  .code { margin-left: 0; }
  .proofs { padding-left: 16px; }
}
`;
