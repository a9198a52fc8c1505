// What HTML alone cannot do: put a command on the clipboard, keep a filter's empty fields out of the address, and
// show where one is in a menu that is wider than a phone.
document.querySelector(".top nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  } catch {
    const selection = getSelection();
    selection.selectAllChildren(button.parentElement.querySelector("code"));
    button.textContent = "Selected: copy it with the keyboard";
  }
  setTimeout(() => { button.textContent = label; }, 2500);
});

document.addEventListener("formdata", (event) => {
  if (event.target.method !== "get") return;
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
});
