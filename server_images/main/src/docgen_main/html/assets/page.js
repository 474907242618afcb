"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");

  // Light or dark: the system's choice until the reader makes one.
  const kept = "docgen-theme";
  const store = {
    get() { try { return localStorage.getItem(kept); } catch { return null; } },
    set(value) { try { localStorage.setItem(kept, value); } catch { /* not kept */ } },
  };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const shown = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  const chosen = store.get();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  const theme = document.createElement("button");
  theme.type = "button";
  theme.className = "theme";
  const tell = () => {
    const next = shown() === "dark" ? "light" : "dark";
    theme.textContent = next === "dark" ? "\u263E" : "\u2600";
    theme.setAttribute("aria-label", `Switch to the ${next} theme`);
    theme.title = theme.getAttribute("aria-label");
  };
  theme.addEventListener("click", () => {
    root.dataset.theme = shown() === "dark" ? "light" : "dark";
    store.set(root.dataset.theme);
    tell();
  });
  dark.addEventListener("change", tell);
  tell();
  document.body.append(theme);

  // Copying code, without prompts of a terminal session.
  const copied = async (text) => {
    try { await navigator.clipboard.writeText(text); return true; } catch { /* not allowed here */ }
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };
  for (const block of document.querySelectorAll(".code")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      const code = block.querySelector("code").cloneNode(true);
      for (const prompt of code.querySelectorAll(".gp, .go")) prompt.remove();
      button.textContent = (await copied(code.textContent)) ? "Copied" : "Not copied";
      button.classList.add("done");
      setTimeout(() => { button.textContent = "Copy"; button.classList.remove("done"); }, 1600);
    });
    block.append(button);
  }

  // A wide diagram is shown as a whole, and large on request.
  for (const figure of document.querySelectorAll(".diagram.wide")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "enlarge";
    const turn = (full) => {
      figure.classList.toggle("full", full);
      button.textContent = full ? "Fit" : "Full size";
    };
    button.addEventListener("click", () => turn(!figure.classList.contains("full")));
    turn(false);
    figure.append(button);
  }

  // What fits needs no stop of its own for the keyboard.
  for (const one of document.querySelectorAll("[tabindex='0']:not(.wide > .canvas)")) {
    if (one.scrollWidth <= one.clientWidth + 1) one.removeAttribute("tabindex");
  }

  // The table of contents shows where the reader is.
  const nav = document.querySelector("nav");
  if (!nav) return;
  const details = nav.querySelector("details");
  const narrow = matchMedia("(max-width: 60rem)");
  const fit = () => { details.open = !narrow.matches; };
  narrow.addEventListener("change", fit);
  fit();
  nav.addEventListener("click", (event) => {
    if (narrow.matches && event.target.closest("a")) details.open = false;
  });
  const links = new Map();
  for (const link of nav.querySelectorAll("a")) links.set(link.getAttribute("href").slice(1), link);
  const headings = [...document.querySelectorAll("main :is(h2, h3, h4)[id]")]
    .filter((one) => links.has(one.id));
  let current = null;
  const mark = () => {
    let low = 0, high = headings.length;  // the last heading above the upper third of the window
    while (low < high) {
      const middle = (low + high) >> 1;
      if (headings[middle].getBoundingClientRect().top <= innerHeight / 3) low = middle + 1;
      else high = middle;
    }
    const bottom = scrollY + innerHeight >= root.scrollHeight - 2 && scrollY > 0;
    const link = links.get((bottom ? headings.at(-1) : headings[Math.max(0, low - 1)])?.id);
    if (!link || link === current) return;
    current?.removeAttribute("aria-current");
    for (const item of nav.querySelectorAll("li.open")) item.classList.remove("open");
    link.setAttribute("aria-current", "location");
    for (let item = link.closest("li"); item; item = item.parentElement.closest("li")) {
      item.classList.add("open");
    }
    current = link;
    const place = link.getBoundingClientRect(), frame = nav.getBoundingClientRect();
    if (!narrow.matches && (place.top < frame.top + 40 || place.bottom > frame.bottom - 40)) {
      nav.scrollTop += place.top - frame.top - frame.height / 3;
    }
  };
  let waiting = false;
  const later = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; mark(); });
  };
  addEventListener("scroll", later, { passive: true });
  addEventListener("resize", later, { passive: true });
  mark();
})();
