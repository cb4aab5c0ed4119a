// Runs before the first paint, so that a remembered theme doesn't flash; theme.js does the rest.
(() => {
  let choice = null;
  try {
    choice = localStorage.getItem("streamer.theme");
  } catch {
    // storage may be forbidden: then the system decides
  }
  const dark = choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
