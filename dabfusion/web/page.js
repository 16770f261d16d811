() => {
  // Mends what screen readers and keyboards miss in components that are not ours; repeated whenever the page changes.
  const set = (element, name, value) => { if (element.getAttribute(name) !== value) element.setAttribute(name, value); };
  const mend = () => {
    document.querySelectorAll('[aria-label="Empty value"]').forEach((e) => set(e, "role", "img"));
    document.querySelectorAll("button.upload-container[aria-label]").forEach((e) => e.removeAttribute("aria-label"));
    document.querySelectorAll("button.playback").forEach((e) => set(e, "aria-label", e.textContent.trim() + " speed"));
    document.querySelectorAll("#song div").forEach((e) => {
      const wave = e.shadowRoot && e.shadowRoot.querySelector(".scroll");
      if (!wave) return;
      set(wave, "tabindex", "0"); set(wave, "role", "group"); set(wave, "aria-label", "Waveform of the song");
    });
  };
  // What a button brings about may lie outside the window, on a phone above all.
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const show = (selector, place) => setTimeout(() => {
    const there = document.querySelector(selector);
    if (there) there.scrollIntoView({ block: place, behavior: calm.matches ? "auto" : "smooth" });
  }, 600);
  document.addEventListener("click", (e) => {
    if (e.target.closest("#dance-button")) show("#progress", "nearest");
    if (e.target.closest(".example button.lg, .example button.sm, .example button.md")) show("#progress", "start");
  });
  let waiting = false;
  const soon = () => { if (!waiting) { waiting = true; setTimeout(() => { waiting = false; mend(); }, 200); } };
  new MutationObserver(soon).observe(document.body, { childList: true, subtree: true, characterData: true });
  mend();
}
