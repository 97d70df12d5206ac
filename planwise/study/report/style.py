"""How a report looks on a screen, light and dark, and on paper."""

from planwise.study.report.ink import DARK, LIGHT, variables

STYLE = f"""
:root {{ color-scheme: light dark; {variables(LIGHT)}
  --font: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; }}
@media (prefers-color-scheme: dark) {{ :root {{ {variables(DARK)} }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 var(--font); }}
main {{ max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }}
h1 {{ font-size: 1.65rem; line-height: 1.2; margin: 0 0 .3rem; overflow-wrap: anywhere; }}
h2 {{ font-size: 1.15rem; margin: 2.6rem 0 .7rem; padding-bottom: .3rem;
  border-bottom: 1px solid var(--line); }}
p {{ margin: .5rem 0; max-width: 48rem; overflow-wrap: anywhere; }}
.subtitle {{ color: var(--muted); margin: 0; }}
.answer {{ font-size: 1.1rem; margin: 1.3rem 0; padding: .8rem 1.1rem; max-width: none;
  background: var(--panel); border-left: 4px solid var(--muted); border-radius: 3px; }}
.answer.good {{ border-color: var(--good); }}
.answer.warn {{ border-color: var(--warn); }}
.answer.bad {{ border-color: var(--bad); }}
p.warn, p.bad {{ padding-left: .8rem; border-left: 3px solid var(--warn); }}
p.bad {{ border-color: var(--bad); }}
.facts {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .7rem;
  margin: 1rem 0; padding: 0; }}
.facts div {{ background: var(--panel); border-radius: 5px; padding: .7rem .9rem; }}
.facts dt {{ color: var(--muted); font-size: .82rem; }}
.facts dd {{ margin: 0; }}
.facts .value {{ font-size: 1.25rem; font-weight: 600; font-variant-numeric: tabular-nums;
  line-height: 1.35; }}
.facts .value.good {{ color: var(--good); }}
.facts .value.warn {{ color: var(--warn); }}
.facts .value.bad {{ color: var(--bad); }}
.facts .remark {{ color: var(--muted); font-size: .82rem; }}
.scroll {{ overflow-x: auto; margin: .8rem 0 1.4rem; }}
table {{ border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums;
  min-width: 24rem; }}
caption {{ caption-side: top; text-align: left; color: var(--muted); font-size: .82rem;
  padding-bottom: .3rem; }}
th, td {{ padding: .28rem .9rem .28rem 0; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; vertical-align: baseline; }}
th {{ font-weight: 600; color: var(--muted); border-bottom-color: var(--muted); }}
th:last-child, td:last-child {{ padding-right: 0; }}
.t {{ text-align: left; white-space: normal; overflow-wrap: break-word; }}
td.t:first-child {{ white-space: nowrap; }}
tr.total td {{ font-weight: 600; border-top: 1px solid var(--muted); }}
figure {{ margin: .9rem 0 .4rem; }}
figure svg {{ width: 100%; height: auto; display: block; }}
figcaption {{ color: var(--muted); font-size: .82rem; margin-top: .3rem; }}
pre {{ background: var(--panel); border-radius: 5px; padding: .8rem 1rem; overflow-x: auto; font-size: .82rem;
  line-height: 1.6; white-space: pre-wrap; overflow-wrap: anywhere; }}
details > summary {{ cursor: pointer; color: var(--muted); font-size: .86rem; margin: .8rem 0; }}
footer {{ margin-top: 3rem; color: var(--muted); font-size: .82rem; }}
@media (max-width: 40rem) {{ td.t:first-child {{ white-space: normal; }} }}
@media print {{
  @page {{ margin: 16mm 14mm; }}
  :root {{ color-scheme: light; font-size: 12px; {variables(LIGHT)} }}
  body {{ font-size: 10pt; }}
  main {{ max-width: none; padding: 0; }}
  h2 {{ break-after: avoid; }}
  figure, .facts div, .answer, tr, pre {{ break-inside: avoid; }}
  .scroll {{ overflow: visible; }}
  table {{ font-size: 7pt; }}
  th, td {{ padding-right: .5rem; }}
  th, td.t, td.t:first-child {{ white-space: normal; }}
  details > summary {{ list-style: none; }}
  details::details-content {{ content-visibility: visible; height: auto; }}
}}
"""
