"use strict";

// What a reader may do with a page, other than with its charts.
(() => {
  const said = document.getElementById("said");
  const say = (text) => (said.textContent = text);

  document.getElementById("colours").addEventListener("change", (event) => {
    document.documentElement.dataset.colours = event.target.value;
    charts.redraw();
  });

  // Times are in the reader's zone, and in UTC when they are pointed at.
  for (const time of document.querySelectorAll("time")) {
    time.title = time.textContent;
    time.textContent = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
  }

  for (const button of document.querySelectorAll("button[data-copy]")) {
    const source = document.getElementById(button.dataset.copy);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(source.textContent);
        say("Copied.");
      } catch {
        getSelection().selectAllChildren(source);
        say(document.execCommand("copy") ? "Copied." : "It is selected: copy it with Ctrl-C.");
      }
    });
  }

  for (const button of document.querySelectorAll("button[data-download]")) {
    const source = document.getElementById(button.dataset.download);
    button.addEventListener("click", () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([source.textContent, "\n"], { type: "application/json" }));
      link.download = button.dataset.name;
      link.click();
      URL.revokeObjectURL(link.href);
      say(`Saved as ${link.download}.`);
    });
  }
})();
