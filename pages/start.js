(function () {
  "use strict";
  var root = document.getElementById("start");
  var button = document.getElementById("verify");
  var again = document.getElementById("again");
  var status = document.getElementById("status");
  var pressed = false;

  function show(now) {
    var confirming = now.state === "checking" || now.state === "pending" || now.state === "done";
    button.hidden = confirming;
    again.hidden = !confirming;
    button.disabled = now.state === "preparing" || now.state === "waiting" || !!now.error && now.error.code === "cookies_blocked";
    again.disabled = now.state !== "pending";
    status.textContent = now.text;
    status.classList.toggle("bad", !!now.error);
    focus(confirming ? again : button);
    if (now.answer) { location.replace(now.answer.return_to); }
  }

  // A button that is disabled or hidden loses the keyboard's focus, and gets it
  // back with the next that can be pressed.
  function focus(next) {
    var lost = !document.activeElement || document.activeElement === document.body || document.activeElement.hidden;
    if (pressed && lost && !next.disabled) { next.focus(); }
  }

  var wanted = { path: root.dataset.path, returnTo: root.dataset.returnTo, purpose: root.dataset.purpose, onState: show };

  function verify() {
    pressed = true;
    window.certify.verify(wanted).catch(function () {}); // show was told
  }

  button.addEventListener("click", verify);
  again.addEventListener("click", verify);
  window.certify.prepare(wanted);
})();
