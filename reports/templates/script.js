// Only an enhancement: a line under the pointer on every chart, and what each line of the chart reads there.
(() => {
  const svg = "http://www.w3.org/2000/svg";
  const charts = [...document.querySelectorAll("svg.chart[data-series]")].map((node) => {
    const box = node.viewBox.baseVal;
    const line = node.appendChild(document.createElementNS(svg, "line"));
    line.setAttribute("class", "cursor");
    line.setAttribute("y1", 20);
    line.setAttribute("y2", box.height - 22);
    const words = node.appendChild(document.createElementNS(svg, "text"));
    words.setAttribute("class", "reading");
    words.setAttribute("y", 34);
    const d = node.dataset;
    const number = (name) => Number(d[name]);
    return {
      node, line, words, width: box.width, left: number("left"), right: number("right"),
      start: number("start"), end: number("end"), series: JSON.parse(d.series),
    };
  });
  const nearest = (points, at) => {
    let best = null;
    for (const point of points) {
      if (Math.abs(point[0] - at) <= 2.5 && (best === null || Math.abs(point[0] - at) < Math.abs(best[0] - at))) best = point;
    }
    return best;
  };
  const clock = (at) => `${Math.floor(at / 60)}:${String(Math.floor(at % 60)).padStart(2, "0")}`;
  const show = (share) => {
    for (const chart of charts) {
      const visible = share !== null;
      chart.line.style.display = chart.words.style.display = visible ? "" : "none";
      if (!visible) continue;
      const x = chart.left + share * (chart.right - chart.left);
      const at = chart.start + share * (chart.end - chart.start);
      chart.line.setAttribute("x1", x);
      chart.line.setAttribute("x2", x);
      const readings = chart.series.map(([name, points]) => {
        const point = nearest(points, at);
        return `${name} ${point ? point[1] : "–"}`;
      });
      chart.words.textContent = [clock(at), ...readings].join(" · ");
      chart.words.setAttribute("x", share < 0.5 ? x + 6 : x - 6);
      chart.words.setAttribute("text-anchor", share < 0.5 ? "start" : "end");
    }
  };
  for (const chart of charts) {
    chart.node.addEventListener("pointermove", (event) => {
      const box = chart.node.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * chart.width;
      const share = (x - chart.left) / (chart.right - chart.left);
      show(share >= 0 && share <= 1 ? share : null);
    });
    chart.node.addEventListener("pointerleave", () => show(null));
  }
  show(null);
})();
