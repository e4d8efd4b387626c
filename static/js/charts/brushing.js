/** What hand, finger and keyboard do on parallel coordinates: read a line, open it, brush along an axis. */

export class Brushing {
  constructor(plot) {
    this.plot = plot;
    this.drag = null;
    const { stage } = plot;
    stage.addEventListener("pointermove", (event) => this.moved(event));
    stage.addEventListener("pointerleave", ({ pointerType }) => pointerType === "touch" || plot.show(null));
    stage.addEventListener("pointercancel", () => this.cancelled());
    stage.addEventListener("touchstart", (event) => this.touched(event), { passive: false });
    stage.style.touchAction = "pan-x pan-y";
    stage.addEventListener("pointerdown", (event) => this.pressed(event));
    stage.addEventListener("pointerup", (event) => this.released(event));
    stage.addEventListener("keydown", (event) => this.key(event));
  }

  at(event) {
    const box = this.plot.stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  pressed(event) {
    const { plot } = this;
    const here = this.at(event);
    const axis = plot.axisNear(here);
    if (axis === null) return;
    plot.axes[axis].brush = null;
    if (plot.isBelowNames(here)) {
      this.drag = { axis, from: plot.toFraction(here.y) };
      plot.stage.setPointerCapture(event.pointerId);
    }
    plot.draw();
  }

  /** Along an axis a finger brushes; everywhere else it scrolls the page. */
  touched(event) {
    const [finger, another] = event.touches;
    const here = this.at(finger);
    if (!another && this.plot.isBelowNames(here) && this.plot.axisNear(here) !== null && event.cancelable) event.preventDefault();
  }

  cancelled() {
    if (this.drag) this.plot.axes[this.drag.axis].brush = null;
    this.drag = null;
    this.plot.draw();
  }

  moved(event) {
    const { plot } = this;
    const here = this.at(event);
    if (!this.drag) return event.pointerType === "touch" || plot.show(plot.nearest(here), here);
    const to = plot.toFraction(here.y);
    const { axis, from } = this.drag;
    plot.axes[axis].brush = Math.abs(to - from) < 0.02 ? null : [Math.min(from, to), Math.max(from, to)];
    plot.draw();
  }

  released(event) {
    const { plot } = this;
    const dragged = this.drag;
    this.drag = null;
    const here = this.at(event);
    const row = plot.nearest(here);
    if (dragged) {
      if (event.pointerType === "touch" && !plot.axes[dragged.axis].brush) plot.show(row, here);
      return plot.brushed();
    }
    if (event.pointerType === "touch" && (row === null || row !== plot.spot)) return plot.show(row, here);
    if (row !== null && plot.href && plot.axisNear(here) === null) location.assign(plot.href(plot.names[row]));
  }

  key(event) {
    const { plot } = this;
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" && plot.spot !== null && plot.href) location.assign(plot.href(plot.names[plot.spot]));
    else if (event.key === "Escape" && plot.spot !== null) plot.show(null);
    else if (!step || !plot.rows.length || event.ctrlKey || event.metaKey || event.altKey) return;
    else plot.walk(step);
    event.preventDefault();
    event.stopPropagation();
  }
}
