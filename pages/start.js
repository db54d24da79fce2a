(function () {
  "use strict";
  // An element with a name hides members of document: see certify.js.
  function member(name) { return Reflect.get(Object.getPrototypeOf(document), name, document); }
  function byID(id) { return member("getElementById").call(document, id); }

  var root = byID("start");
  var button = byID("verify");
  var again = byID("again");
  var status = byID("status");
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
    var active = member("activeElement");
    var lost = !active || active === member("body") || active.hidden;
    if (pressed && lost && !next.disabled) { next.focus(); }
  }

  // Browsers carry the fragment over the gate's redirect to this page.
  var back = root.dataset.returnTo;
  if (back && back.indexOf("#") < 0) { back += location.hash; }
  var wanted = { path: root.dataset.path, returnTo: back, purpose: root.dataset.purpose, onState: show, start: location.href.replace(/#.*/, "") };

  function verify() {
    pressed = true;
    window.certify.verify(wanted).catch(function () {}); // show was told
  }

  button.addEventListener("click", verify);
  again.addEventListener("click", verify);
  button.disabled = false; // nothing is prepared while nobody looks
  window.certify.prepare(wanted);
})();
