// The C++ program: shown, copied, saved.
function listenForProgram(playground) {
  const dialog = document.getElementById("program-dialog"), epochs = document.getElementById("program-epochs");
  const code = document.getElementById("program-text"), copy = document.getElementById("program-copy");
  const show = () => {
    const count = Math.max(1, Math.min(100000, Math.round(Number(epochs.value)) || 1));
    code.textContent = playground.engine.program(count);
  };
  document.getElementById("program").addEventListener("click", () => {
    playground.play(false);
    epochs.value = Math.max(1, playground.numbers.epoch) || 100;
    if (playground.numbers.epoch === 0) epochs.value = 100;
    show();
    dialog.showModal();
  });
  epochs.addEventListener("input", show);
  document.getElementById("program-close").addEventListener("click", () => dialog.close());
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      // A page that was opened as a file may not write to the clipboard: what is chosen can be copied.
      getSelection().selectAllChildren(code);
      document.execCommand("copy");
    }
    copy.textContent = word("copied");
    setTimeout(() => { copy.textContent = word("copy"); }, 1500);
  });
  document.getElementById("program-save").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([code.textContent], { type: "text/plain" }));
    link.download = "playground.cpp";
    link.click();
    URL.revokeObjectURL(link.href);
  });
}
