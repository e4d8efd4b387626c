/** The few rules that charts need beyond the page's sheet; a constructed sheet is allowed by a strict policy. */

const RULES = `
.chart-frame { position: relative; min-height: 12rem; }
.chart-frame canvas { position: absolute; inset: 0; width: 100%; height: 100%; }
.chart-stage { position: absolute; inset: 0; cursor: crosshair; touch-action: pan-y; border-radius: 4px; }
.chart-stage:focus-visible { outline: 2px solid var(--focus, var(--accent, #0b5fcc)); outline-offset: 2px; }
.chart-tools { position: absolute; top: 0; right: 0; display: flex; gap: 4px; align-items: center; z-index: 2;
  font-size: 12px; color: var(--ink-soft, #5a6370); }
.chart-tools button, .chart-tools select { font: inherit; min-height: 24px; padding: 1px 8px; border-radius: 4px;
  border: 1px solid var(--line, #ccd2d9); background: var(--surface, Canvas); color: var(--ink, CanvasText); cursor: pointer; }
.chart-tools button[aria-pressed="true"] { border-color: var(--accent, #0b5fcc); color: var(--accent, #0b5fcc); }
.chart-tools select { width: auto; max-width: 8rem; }
@media (max-width: 30rem) { .chart-tools select { max-width: 6.75rem; } }
.chart-tools label { display: flex; gap: 4px; align-items: center; font-weight: 400; }
.chart-tools input[type="range"] { width: 80px; min-height: 0; padding: 0; border: 0; background: none; accent-color: var(--accent, auto); }
.chart-tools details { position: relative; }
.chart-tools summary { list-style: none; cursor: pointer; min-height: 24px; min-width: 24px; padding: 1px 8px; text-align: center;
  border: 1px solid var(--line, #ccd2d9); border-radius: 4px; background: var(--surface, Canvas); color: var(--ink, CanvasText); }
.chart-tools summary::-webkit-details-marker { display: none; }
.chart-tools details > div { position: absolute; right: 0; top: 28px; display: grid; gap: 2px; padding: 4px; min-width: 9rem;
  background: var(--surface-raised, Canvas); border: 1px solid var(--line, #ccd2d9); border-radius: 6px; box-shadow: 0 4px 16px #0003; }
.chart-tools details > div button { border: 0; text-align: left; background: none; padding: 4px 8px; }
.chart-tools details > div button:hover { background: var(--chart-grid, #8882); }
.chart-tip { position: absolute; z-index: 3; pointer-events: none; max-width: 18rem; padding: 4px 8px; white-space: pre-line;
  font-size: 12px; line-height: 1.4; border-radius: 4px; background: var(--ink, #1b1f24); color: var(--surface, #fff);
  font-variant-numeric: tabular-nums; }
.chart-note { position: absolute; right: 12px; bottom: 44px; z-index: 2; padding: 2px 8px; font-size: 12px; border-radius: 4px;
  background: var(--surface-raised, Canvas); border: 1px solid var(--line, #ccd2d9); color: var(--ink, CanvasText); }
.chart-message { position: absolute; inset: 0; display: grid; place-content: center; justify-items: center; gap: 8px; padding: 16px;
  text-align: center; color: var(--ink-soft, #5a6370); }
.chart-words { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.chart-frame [hidden] { display: none; }
`;

let adopted = false;

/** Put the rules on the page, once. */
export function adoptStyle() {
  if (adopted) return;
  adopted = true;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(RULES);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}
