// What to say when the browser gives no passkey: it was cancelled, timed out, or there is none.
(function () {
  "use strict";
  document.addEventListener("allauth.error", function (event) {
    event.preventDefault(); // else it goes to the console, where nobody looks
    document.querySelectorAll("[data-passkey-error]").forEach(function (note) {
      note.hidden = false;
    });
  });
})();
