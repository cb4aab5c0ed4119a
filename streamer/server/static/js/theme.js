// The theme: as the system has it, dark or light; the choice is remembered.

const KEY = "streamer.theme";
const ORDER = ["auto", "dark", "light"];
const WORDS = { auto: "as the system", dark: "dark", light: "light" };

function remembered() {
  try {
    const choice = localStorage.getItem(KEY);
    return ORDER.includes(choice) ? choice : "auto";
  } catch {
    return "auto";
  }
}

function remember(choice) {
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // it holds until the page is closed
  }
}

export function startTheme(button, icon) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  let choice = remembered();

  const apply = () => {
    const dark = choice === "dark" || (choice === "auto" && system.matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    const label = `Theme: ${WORDS[choice]}`;
    button.setAttribute("aria-label", label);
    button.title = label;
    icon.setAttribute("href", `#i-${choice}`);
  };

  button.addEventListener("click", () => {
    choice = ORDER[(ORDER.indexOf(choice) + 1) % ORDER.length];
    remember(choice);
    apply();
  });
  system.addEventListener("change", apply);
  apply();
}
