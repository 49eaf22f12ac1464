// Keeps the parts of a page that name their source up to date. Without it a page shows what it was made with.
"use strict";
(function () {
  const EVERY = 5000;
  for (const part of document.querySelectorAll("[data-live]")) {
    let busy = false;
    setInterval(async function () {
      if (busy || document.hidden || part.contains(document.activeElement)) return;
      busy = true;
      try {
        const answer = await fetch(part.dataset.live, { credentials: "same-origin", redirect: "error" });
        if (answer.ok) {
          part.innerHTML = await answer.text();
          part.removeAttribute("data-stale");
        } else {
          part.setAttribute("data-stale", "");
        }
      } catch (error) {
        part.setAttribute("data-stale", "");
      } finally {
        busy = false;
      }
    }, EVERY);
  }
  for (const all of document.querySelectorAll("input[data-all]")) {
    all.addEventListener("change", function () {
      for (const one of document.querySelectorAll("input[name=" + all.dataset.all + "]")) one.checked = all.checked;
    });
  }
})();
