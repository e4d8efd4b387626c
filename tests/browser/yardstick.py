"""How fast the machine is just now, so that a limit in milliseconds judges a page and not the machine."""

from __future__ import annotations

from playwright.sync_api import Page

QUIET = 190.0
"""Milliseconds that the work takes on a quiet machine of two cores, without a graphics card."""
TIMES = 3
WORK = """async (times) => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const canvas = Object.assign(document.createElement("canvas"), { width: 1000, height: 400 });
  const ctx = canvas.getContext("2d");
  let least = Infinity;
  for (let time = 0; time < times; time++) {
    const began = performance.now();
    const numbers = Array.from({ length: 200_000 }, (_, i) => Math.sin(i * 12.9898) * 43758.5453 % 1);
    numbers.sort((a, b) => a - b);
    ctx.clearRect(0, 0, 1000, 400);
    for (let line = 0; line < 1_500; line++) {
      ctx.lineWidth = 1.5;
      ctx.beginPath();
      for (let part = 0; part < 6; part++) ctx.lineTo(part * 200, 200 + 200 * numbers[(line * 97 + part * 9973) % 200_000]);
      ctx.stroke();
    }
    ctx.getImageData(0, 0, 1, 1); // the lines are not painted before someone looks
    await painted();
    least = Math.min(least, performance.now() - began);
  }
  return least;
}"""


def slowness(page: Page) -> float:
    """How many times as long as on a quiet machine something takes in this page just now; at least 1."""
    return max(1.0, float(page.evaluate(WORK, TIMES)) / QUIET)
