/** The page before any data is in it. */
export const BODY = `<header class="bar">
<div class="brand"><span class="gate" aria-hidden="true"></span><h1>Sallyport</h1><span id="phase" class="pill">loading</span></div>
<div class="bar-end"><span id="freshness" class="quiet" role="status"></span><button id="reload" type="button">Reload policy</button></div>
</header>
<main>
<div id="notice" class="notice" role="status" hidden></div>
<section id="rejected" class="notice bad" role="alert" hidden>
<h2>The changed policy files were refused</h2>
<p>The last good policy is still in force. Mend the files; they are read again as soon as they change.</p>
<pre id="diagnostics" tabindex="0"></pre>
</section>

<div class="cards">
<section class="card"><h2>Policy in force</h2><p id="revision" class="figure mono"></p><p id="reload-state" class="quiet"></p></section>
<section class="card"><h2>Running</h2><p id="uptime" class="figure"></p><p id="started" class="quiet"></p></section>
<section class="card"><h2>Table</h2><p id="table-size" class="figure"></p><p id="table-services" class="quiet"></p></section>
<section class="card"><h2>Key store</h2><p id="key-store" class="figure"></p><p id="key-store-trouble" class="quiet"></p></section>
</div>

<section class="panel" aria-labelledby="issuers-title">
<div class="panel-head"><h2 id="issuers-title">Issuers</h2></div>
<div class="scroll"><table><thead><tr><th scope="col">Issuer</th><th scope="col">State</th><th scope="col">Signing keys</th><th scope="col">Fetched</th><th scope="col">Last error</th></tr></thead><tbody id="issuers"></tbody></table></div>
</section>

<section class="panel" aria-labelledby="refusals-title">
<div class="panel-head">
<h2 id="refusals-title">Recent refusals <span id="refusal-count" class="count"></span></h2>
<form id="lookup" class="tools" role="search">
<input id="decision-id" type="text" placeholder="Decision id" aria-label="Decision id" autocomplete="off" spellcheck="false" maxlength="100" required>
<button type="submit">Look up</button>
</form>
</div>
<p id="lookup-answer" class="quiet pad" role="status" hidden></p>
<div class="scroll tall"><table class="refusals"><thead><tr><th scope="col">Code</th><th scope="col">Request</th><th scope="col">Caller</th><th scope="col">Reason</th><th scope="col">Decision id</th></tr></thead><tbody id="refusals"></tbody></table></div>
</section>

<section class="panel" aria-labelledby="routes-title">
<div class="panel-head">
<h2 id="routes-title">Routes <span id="route-count" class="count"></span></h2>
<div class="tools"><input id="filter" type="search" placeholder="Filter: method, path, permission, service" aria-label="Filter routes" autocomplete="off" spellcheck="false"></div>
</div>
<div id="services"></div>
</section>
</main>
<dialog id="decision" aria-labelledby="decision-title">
<div class="panel-head"><h2 id="decision-title" class="mono"></h2><form method="dialog"><button type="submit">Close</button></form></div>
<dl id="decision-facts"></dl>
</dialog>
<noscript><p class="notice bad">This page needs JavaScript. The same facts are at /api/status, /api/policy and /api/decisions.</p></noscript>`;
