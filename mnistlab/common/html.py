"""What every HTML page of the lab has in common."""

from __future__ import annotations

STYLE = """body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
  color: #1b1b1b; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
figure { margin: 0; overflow-x: auto; } svg { max-width: 100%; min-width: 30rem; height: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem 1rem .35rem 0; border-bottom: 1px solid #ddd; }
td { font-variant-numeric: tabular-nums; } .whole { white-space: nowrap; }
dt { float: left; clear: left; width: 10rem; color: #555; } dd { margin: 0 0 0 10.5rem; overflow-wrap: anywhere; }
.promoted { color: #0072B2; font-weight: 600; } .refused { color: #A64500; } .cut { color: #767676; }
ul { margin: .2rem 0; padding-left: 1.1rem; }
@media (max-width: 48rem) {  /* a row of the table becomes a list of what its columns say */
  thead { display: none; } tr, td { display: block; } tr { border-bottom: 1px solid #ddd; padding: .5rem 0; }
  td { border: 0; padding: .1rem 0; overflow-wrap: anywhere; } td:empty { display: none; }
  td[data-of]::before { content: attr(data-of) ": "; color: #555; }
  dt { float: none; } dd { margin: 0 0 .4rem; }
}"""
