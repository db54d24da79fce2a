// Tells the page that opened this window what has happened so far. Only the
// origin named when the window was opened can read it; a page without an
// origin of its own (a local file, a WebView's data: page) has none to name.
(function () {
  "use strict";
  var main = document.getElementById("main");
  var opener = main.dataset.opener;
  var done = main.dataset.done === "true";

  function tell() {
    if (!window.opener || window.opener.closed || !opener) {
      return false;
    }
    var message = { certifySandbox: 1, result: JSON.parse(main.dataset.result), done: done };
    window.opener.postMessage(message, opener === "null" ? "*" : opener);
    return true;
  }

  var told = tell();
  if (done && told) {
    // The script on the page closes the window; this is for pages that left.
    setTimeout(function () { window.close(); }, 1500);
  }
  if (done && !told) {
    document.getElementById("farewell").hidden = true;
    document.getElementById("orphan").hidden = false;
  }

  // A live region is read out when its content arrives after the page.
  var sms = document.getElementById("sms");
  if (sms) {
    var region = sms.parentNode;
    region.style.minHeight = region.offsetHeight + "px";
    region.removeChild(sms);
    setTimeout(function () {
      sms.classList.add("arrived");
      region.appendChild(sms);
    }, 350);
  }

  var code = document.getElementById("code");
  if (code) {
    code.addEventListener("input", function () {
      var digits = code.value.replace(/\D/g, "");
      if (digits !== code.value) {
        code.value = digits;
      }
    });
  }
})();
