// Says when there is no connection to the server, and lets no form leave its page meanwhile, so that nothing typed is lost.
// Pages work without it: the browser then says so in its own words.
"use strict";

(() => {
  const SECONDS = 5;
  const line = document.getElementById("no-connection");
  const icon = document.querySelector("link[rel=icon]");
  const checked = new WeakSet();
  if (!line || !icon) return;

  const say = (lost) => {
    line.hidden = !lost;
  };

  // Any answer will do, be it a refusal.
  const reached = async () => {
    if (!navigator.onLine) return false;
    try {
      await fetch(icon.href, { cache: "no-store", signal: AbortSignal.timeout(1000 * SECONDS) });
      return true;
    } catch {
      return false;
    }
  };

  const byHtmx = (element) => element.hasAttribute("hx-get") || element.hasAttribute("hx-post");

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (event.defaultPrevented || byHtmx(form) || checked.delete(form)) return;
    event.preventDefault();
    const button = event.submitter;
    const isThere = await reached();
    say(!isThere);
    if (!isThere) return;
    checked.add(form);
    form.requestSubmit(button);
  });

  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    const stays = !link || link.getAttribute("href").startsWith("#");
    if (navigator.onLine || stays || event.defaultPrevented) return;
    event.preventDefault();
    say(true);
  });

  window.addEventListener("offline", () => say(true));
  window.addEventListener("online", () => say(false));
  document.addEventListener("htmx:sendError", () => say(true));
  document.addEventListener("htmx:timeout", () => say(true));
  document.addEventListener("htmx:afterOnLoad", () => say(false));
  say(!navigator.onLine);
})();
