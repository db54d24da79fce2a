(function () {
  "use strict";
  var root = document.getElementById("start");
  var button = document.getElementById("verify");
  var again = document.getElementById("again");
  var status = document.getElementById("status");
  var path = root.dataset.path;
  var attempt = null; // as POST …/attempts answered
  var result = null; // what the provider's window said, until the site confirms it
  var renewal = 0;
  var reopen = 0;

  function say(text, bad) {
    status.textContent = text;
    status.classList.toggle("bad", !!bad);
  }

  function tell(key, bad) { say(status.dataset[key], bad); }

  function post(url, body) {
    return fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      credentials: "same-origin",
      body: JSON.stringify(body)
    }).then(function (response) {
      return response.json().then(function (answer) {
        if (!response.ok) { throw answer; }
        return answer;
      });
    });
  }

  function find(name) {
    return name.split(".").reduce(function (object, part) { return object ? object[part] : undefined; }, window);
  }

  function load(answer) {
    if (find(answer.calls[0].function)) { return answer; }
    return new Promise(function (done, fail) {
      var script = document.createElement("script");
      script.src = answer.script;
      script.onload = function () { done(answer); };
      script.onerror = function () { script.remove(); fail({ script: true }); };
      document.head.appendChild(script);
    });
  }

  function explain(problem) {
    if (problem && problem.script) { tell("script", true); }
    else if (problem && problem.detail) { say(problem.detail, true); }
    else { tell("network", true); }
  }

  // The attempt and the SDK must be there before the click, because browsers
  // let only a click open a window.
  function prepare() {
    clearTimeout(renewal);
    clearTimeout(reopen);
    attempt = null;
    result = null;
    again.hidden = true;
    button.hidden = false;
    button.disabled = true;
    var wanted = { return_to: root.dataset.returnTo, purpose: root.dataset.purpose };
    return post(path + "/attempts", wanted).then(load).then(function (answer) {
      attempt = answer;
      button.disabled = false;
      renewal = setTimeout(function () { if (attempt === answer && !result) { prepare(); } }, 25 * 60 * 1000);
      return true;
    }).catch(function (problem) {
      explain(problem);
      button.disabled = false; // a click tries again
    });
  }

  function start() {
    tell("loading");
    prepare().then(function (ready) { if (ready) { say(""); } });
  }

  function run(call, onResult) {
    var target = find(call.function.split(".").slice(0, -1).join(".")) || window;
    var args = call.callback ? call.args.concat(onResult) : call.args;
    return find(call.function).apply(target, args);
  }

  function open() {
    if (!attempt) { start(); return; }
    var mine = attempt;
    var last = attempt.calls.length - 1;
    // A result counts whenever it comes, even from a window that was opened
    // before; a failure only of the window opened last.
    function settle(answer) {
      if (answer === undefined) { return; } // the page is being left for the provider's
      if (!result && (mine === attempt || succeeded(answer))) { finish(answer); }
    }
    // A second window under an attempt that is verified already is no failure.
    function refused(error) {
      settle(error && /AlreadyVerified$/.test(error.code) ? { identityVerificationId: mine.identityVerificationId } : null);
    }
    clearTimeout(renewal);
    button.disabled = true;
    reopen = setTimeout(function () { button.disabled = false; }, 8000); // a window that was lost says nothing
    tell("waiting");
    try {
      attempt.calls.forEach(function (call, i) {
        var returned = run(call, settle);
        if (i === last && !call.callback) { Promise.resolve(returned).then(settle, refused); }
      });
    } catch (e) { refused(e); }
  }

  function succeeded(answer) { return !!answer && answer.success !== false && !answer.code; }

  function finish(answer) {
    clearTimeout(reopen);
    if (!succeeded(answer)) {
      prepare().then(function (ready) {
        if (ready) { tell("cancelled", true); }
        button.focus();
      });
      return;
    }
    result = {};
    Object.keys(answer).forEach(function (name) {
      if (typeof answer[name] === "string" || typeof answer[name] === "boolean") { result[name] = answer[name]; }
    });
    confirm();
  }

  function confirm() {
    clearTimeout(renewal);
    button.hidden = true;
    again.hidden = false;
    again.disabled = true;
    tell("checking");
    post(path, result).then(function (answer) {
      location.replace(answer.return_to);
    }).catch(function (problem) {
      again.disabled = false;
      if (problem && problem.code && problem.remedy === "reverify") {
        prepare().then(function (ready) { if (ready) { explain(problem); } });
        return;
      }
      explain(problem);
      again.focus();
    });
  }

  // navigator.cookieEnabled is true even where Chromium's settings block every
  // cookie, and a verification without them is a fee for nothing.
  function keepsCookies() {
    try {
      document.cookie = "certify-probe=1; SameSite=Lax";
      var kept = document.cookie.indexOf("certify-probe=1") >= 0;
      document.cookie = "certify-probe=; SameSite=Lax; Max-Age=0";
      return kept;
    } catch (e) { return false; } // in a sandboxed frame
  }

  button.addEventListener("click", open);
  again.addEventListener("click", confirm);
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) { if (result) { confirm(); } else { start(); } }
  });
  if (keepsCookies()) { start(); } else { tell("cookies", true); }
})();
