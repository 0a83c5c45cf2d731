/** The look of the issuer's pages, light and dark. */
export const STYLE = `
:root { color-scheme: light dark; --ground: #eef1f6; --card: #fff; --ink: #18202e; --quiet: #5a6579; --line: #d5dbe6; --accent: #2456c7; --tint: #e9effc; --alert: #a3211b; --alert-tint: #fdeceb; }
@media (prefers-color-scheme: dark) { :root { --ground: #0f141d; --card: #182030; --ink: #e8ecf4; --quiet: #98a3b8; --line: #303b50; --accent: #86abff; --tint: #22304d; --alert: #ff9d96; --alert-tint: #3a1d1f; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px 16px; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { width: 100%; max-width: 460px; background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 28px 32px; box-shadow: 0 10px 30px rgb(20 30 60 / .08); }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -.01em; }
p { margin: 8px 0; }
code, pre, textarea { font: 13px/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
a { color: var(--accent); }
.brand { display: flex; align-items: center; gap: 8px; margin: 0 0 20px; color: var(--quiet); font-size: 14px; font-weight: 600; }
.gate { width: 16px; height: 18px; border: 2px solid var(--accent); border-bottom: 0; border-radius: 9px 9px 0 0; box-shadow: inset 0 0 0 3px var(--card), inset 0 0 0 8px var(--accent); }
.quiet { color: var(--quiet); font-size: 14px; }
.alert { color: var(--alert); background: var(--alert-tint); border-radius: 8px; padding: 10px 12px; margin: 14px 0; }
form { margin: 18px 0 14px; }
fieldset { border: 0; margin: 0; padding: 0; display: grid; gap: 8px; }
legend, .field { font-weight: 600; font-size: 14px; padding: 0; margin-bottom: 6px; display: block; }
.person { display: grid; grid-template-columns: auto 1fr; gap: 2px 12px; align-items: center; border: 1px solid var(--line); border-radius: 10px; padding: 10px 12px; cursor: pointer; }
.person:hover { border-color: var(--accent); }
.person:has(:checked) { border-color: var(--accent); background: var(--tint); }
.person input { accent-color: var(--accent); margin: 0; width: 16px; height: 16px; }
.badges { grid-column: 2; display: flex; flex-wrap: wrap; gap: 4px; }
.badge { font-size: 12px; border: 1px solid var(--line); border-radius: 99px; padding: 0 8px; background: var(--card); color: var(--quiet); }
.field { margin-top: 16px; }
input[type=password], textarea { width: 100%; border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; background: var(--card); color: var(--ink); }
input[type=password] { font: inherit; }
textarea { resize: vertical; word-break: break-all; }
button { width: 100%; margin-top: 16px; padding: 11px; border: 0; border-radius: 8px; background: var(--accent); color: var(--card); font: inherit; font-weight: 600; cursor: pointer; }
button.small { width: auto; margin: 0; padding: 4px 12px; font-size: 13px; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
section { margin: 18px 0; }
.row { display: flex; justify-content: space-between; align-items: center; margin-bottom: 6px; }
details { margin-top: 6px; font-size: 14px; }
summary { cursor: pointer; color: var(--quiet); }
pre { overflow: auto; background: var(--ground); border-radius: 8px; padding: 12px; margin: 8px 0 0; }
`;
