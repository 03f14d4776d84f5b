/* The page /chat: a key from its form, kept in this tab and never in an address. */
(() => {
  "use strict";
  const form = document.getElementById("begin");
  const told = document.getElementById("told");

  const begin = (key) => {
    const chat = document.createElement("script");
    chat.src = "/chat.js";
    chat.dataset.key = key;
    chat.dataset.open = "";
    document.head.append(chat);
    form.hidden = true;
    told.textContent = "The chat is in the corner of this page.";
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const key = form.elements.key.value.trim();
    form.reset();
    if (!/^kbs_[0-9a-f]+_[\w-]+$/.test(key)) {
      told.textContent = "This is no key: one begins with kbs_.";
      return;
    }
    sessionStorage.setItem("kbsupport:page-key", key);
    begin(key);
  });

  const kept = sessionStorage.getItem("kbsupport:page-key");
  if (kept) begin(kept);
})();
