/** The matrix as one page that needs nothing else: no network, no server. */
import { cellMeaning, cellWord, isOpenCell } from "./cell-words.ts";
import { type Column, columnsOf } from "./columns.ts";
import { FILTER_SCRIPT } from "./matrix-html-script.ts";
import { STYLE } from "./matrix-html-style.ts";
import type { Cell, MatrixRow, ServiceMatrix } from "./matrix.ts";

/** A whole HTML document; every value of the policy is escaped. */
export function matrixHtml(services: readonly ServiceMatrix[], revision: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Who can call what</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>Who can call what</h1>
<p>Policy <code>${escaped(revision)}</code>. Callers that no route of a service tells apart share a column.</p>
<input id="filter" type="search" placeholder="Filter by route, rule or caller" aria-label="Filter by route, rule or caller">
<ul class="key">
<li><span class="cell allow">YES</span> whatever tenant the request names</li>
<li><span class="cell own">OWN</span> the caller’s own tenant only</li>
<li><span class="cell unnamed">BARE</span> only where no tenant is named</li>
<li><span class="cell refused">role</span> refused, and why</li>
</ul>
</header>
<main>
${services.map(serviceSection).join("\n")}
</main>
<script>${FILTER_SCRIPT}</script>
</body>
</html>
`;
}

function serviceSection(matrix: ServiceMatrix): string {
  const { service, rows } = matrix;
  const columns = columnsOf(matrix);
  const under =
    service.prefixes.join("") === ""
      ? ""
      : ` <small>under ${service.prefixes.map((prefix) => `<code>${escaped(prefix)}</code>`).join(" and ")}</small>`;
  return `<section>
<h2>${escaped(service.name)}${under}</h2>
<ol class="callers">
${columns.map(callerItem).join("\n")}
</ol>
<div class="scroll" tabindex="0" role="region" aria-label="Routes of ${escaped(service.name)}">
<table>
<thead><tr><th scope="col">Route</th><th scope="col">Rule</th>${columns.map(headCell).join("")}</tr></thead>
<tbody>
${rows.map((row, index) => tableRow(row, index, columns)).join("\n")}
</tbody>
</table>
</div>
</section>`;
}

function callerItem({ words, cells }: Column, index: number): string {
  const open = cells.filter(isOpenCell).length;
  return `<li data-column="${index}"><b>${index + 1}</b><div>${words.map((word) => `<span>${escaped(word)}</span>`).join("")}</div><small>${open} of ${cells.length}</small></li>`;
}

function headCell({ words }: Column, index: number): string {
  return `<th scope="col" data-column="${index}" title="${escaped(words.join("\n"))}">${index + 1}</th>`;
}

function tableRow({ route }: MatrixRow, row: number, columns: readonly Column[]): string {
  const cells = columns.map(({ cells: own }, index) => tableCell(own[row]!, index)).join("");
  const label = `<span class="method ${escaped(route.method.toLowerCase())}">${escaped(route.method)}</span> ${escaped(route.pattern)}`;
  return `<tr><th scope="row" title="${escaped(`${route.source.file}:${route.source.line}`)}">${label}</th><td class="rule">${escaped(route.rule)}</td>${cells}</tr>`;
}

function tableCell(cell: Cell, index: number): string {
  return `<td data-column="${index}"><span class="cell ${cell.kind}" title="${escaped(cellMeaning(cell))}">${escaped(cellWord(cell))}</span></td>`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}
