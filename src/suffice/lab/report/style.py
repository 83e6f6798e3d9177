"""How the report looks: light and dark, on a phone and on paper."""

STYLE = """
:root { color-scheme: light dark; --ink: #1c2126; --soft: #5b6570; --paper: #fff; --panel: #f5f6f8; --rule: #d9dde2;
  --router: #0a5fd8; --band: #0a5fd82e; --length: #b4531a; --shuffled: #7a828c; --oracle: #1d8348; --off: #c0262d; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #a2abb5; --paper: #15181c; --panel: #1e2328;
  --rule: #363d45; --router: #6aa9ff; --band: #6aa9ff38; --length: #f0a36b; --shuffled: #9aa3ad; --oracle: #5fce8c;
  --off: #ff7b80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p, li { max-width: 46rem; } .soft, figcaption, small { color: var(--soft); }
.warning { border-left: 4px solid var(--off); background: var(--panel); padding: .5rem .8rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .875rem; overflow-wrap: normal; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap;
  font-variant-numeric: tabular-nums; vertical-align: baseline; }
th { font-weight: 600; } th:first-child, td:first-child { text-align: left; } tr.router td { font-weight: 600; }
td small { display: block; font-weight: 400; }
figure { margin: 1rem 0; max-width: 35rem; } svg { width: 100%; height: auto; display: block; }
svg text { font: 12.5px system-ui, sans-serif; fill: var(--soft); } svg text.axis { fill: var(--ink); }
.grid { stroke: var(--rule); } .curve { fill: none; stroke-width: 1.6; } .curve.router { stroke-width: 2.4; }
.router { stroke: var(--router); } .length { stroke: var(--length); stroke-dasharray: 6 3; }
.shuffled { stroke: var(--shuffled); stroke-dasharray: 2 3; }
.oracle { stroke: var(--oracle); stroke-dasharray: 9 3 2 3; }
.band { fill: var(--band); stroke: none; } .dot { stroke: none; } .dot.router { fill: var(--router); }
.dot.off { fill: var(--off); } .diagonal { stroke: var(--shuffled); stroke-dasharray: 2 3; fill: none; }
.mark { stroke: var(--soft); stroke-dasharray: 1 3; } svg text.mark-name { fill: var(--ink); paint-order: stroke;
  stroke: var(--paper); stroke-width: 3px; }
.legend { list-style: none; padding: 0; margin: .3rem 0; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem;
  font-size: .875rem; } .legend svg { display: inline-block; width: 2rem; height: .7rem; margin-right: .4rem; }
.legend span { display: inline-block; width: 1.2rem; height: .8rem; margin-right: .4rem; background: var(--band); }
.case { background: var(--panel); padding: .6rem .8rem; margin: .7rem 0; border-radius: 4px; }
.case p { margin: .2rem 0; } .case pre { white-space: pre-wrap; margin: .4rem 0; font: .875rem/1.45 ui-monospace,
  monospace; } .chip { display: inline-block; border: 1px solid var(--rule); border-radius: 3px; padding: 0 .35rem;
  margin: .1rem .25rem .1rem 0; font-size: .8125rem; }
"""
