/** How the page looks, by day and by night, on a wide screen, a narrow one and on paper. */
export const STYLE = `
:root { --ground: #fbfaf8; --ink: #1d1d1f; --soft: #6a6a70; --line: #e2dfd9; --head: #f2efe9; --hover: #f6f2ea;
  --yes: #d5efdc; --yes-ink: #14532d; --own: #dbe8fb; --own-ink: #1e3a8a; --bare: #fdf0c8; --bare-ink: #6b4700; --focus: #b45309; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #17181a; --ink: #ececea; --soft: #9b9ba3; --line: #303236; --head: #1f2124; --hover: #222529;
    --yes: #1c4a2e; --yes-ink: #b9f3cd; --own: #1f3763; --own-ink: #c5dafc; --bare: #57430f; --bare-ink: #fbe6a3; --focus: #f0a04b; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem clamp(1rem, 3vw, 3rem) 4rem; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
code, tbody th, .rule, .cell { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
h1 { margin: 0; font-size: 1.7rem; letter-spacing: -.02em; }
h2 { margin: 2.6rem 0 .8rem; font-size: 1.25rem; }
h2 small, header p, .callers small { color: var(--soft); font-weight: 400; }
h2 small { font-size: .9rem; }
header p { margin: .2rem 0 1rem; }
input { width: min(28rem, 100%); padding: .5rem .8rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--head);
  color: inherit; font: inherit; }
input:focus-visible, .scroll:focus-visible { outline: 2px solid var(--focus); outline-offset: 1px; }
.key { display: flex; flex-wrap: wrap; gap: .4rem 1.4rem; margin: 1rem 0 0; padding: 0; list-style: none; color: var(--soft); font-size: .87rem; }
.callers { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(23rem, 100%), 1fr)); gap: .3rem 1.6rem; margin: 0 0 1rem; padding: 0; list-style: none; font-size: .87rem; }
.callers li { display: grid; grid-template-columns: 1.6rem 1fr auto; gap: .5rem; padding: .3rem 0; border-top: 1px solid var(--line); }
.callers b { text-align: right; }
.callers span { display: block; overflow-wrap: anywhere; }
.callers small { white-space: nowrap; }
.scroll { max-height: 80vh; overflow: auto; border: 1px solid var(--line); border-radius: .6rem; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: .85rem; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { position: sticky; top: 0; z-index: 2; background: var(--head); }
thead th[data-column] { text-align: center; }
thead th:first-child { left: 0; z-index: 3; }
tbody th { position: sticky; left: 0; z-index: 1; background: var(--ground); font-weight: 500; white-space: normal; min-width: 26rem; overflow-wrap: anywhere; }
tbody tr:hover > * { background: var(--hover); }
td[data-column] { text-align: center; }
.rule { color: var(--soft); }
.method { display: inline-block; min-width: 3.6rem; color: var(--soft); font-weight: 700; font-size: .78rem; }
.cell { display: inline-block; min-width: 3.4rem; padding: .05rem .4rem; border-radius: .35rem; text-align: center; font-size: .78rem; color: var(--soft); }
.allow { background: var(--yes); color: var(--yes-ink); font-weight: 700; }
.own { background: var(--own); color: var(--own-ink); font-weight: 700; }
.unnamed { background: var(--bare); color: var(--bare-ink); font-weight: 700; }
[hidden] { display: none !important; }
@media (max-width: 40rem) { tbody th { min-width: 9rem; max-width: 11rem; } .method { display: block; } .rule, thead th:nth-child(2) { display: none; } }
@media print { .scroll { max-height: none; overflow: visible; } input { display: none; } body { padding: 0; } }
`;
