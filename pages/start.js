(function () {
  "use strict";
  var root = document.getElementById("start");
  var button = document.getElementById("verify");
  var again = document.getElementById("again");
  var status = document.getElementById("status");
  var path = root.dataset.path;
  var attempt = null;
  var result = null;

  function say(text) { status.textContent = text; }
  function tell(key) { say(status.dataset[key]); }

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

  function load(url) {
    return new Promise(function (done, fail) {
      var script = document.createElement("script");
      script.src = url;
      script.onload = done;
      script.onerror = function () { fail({ script: true }); };
      document.head.appendChild(script);
    });
  }

  function fail(problem) {
    again.hidden = !result;
    button.hidden = !!result;
    button.disabled = false;
    if (problem && problem.script) { tell("script"); }
    else if (problem && problem.detail) { say(problem.detail); }
    else { tell("network"); }
    if (problem && problem.code && problem.remedy === "reverify") { restart(); }
  }

  // The attempt and the SDK must be there before the click: browsers let only
  // a click open a window.
  function prepare() {
    button.disabled = true;
    tell("loading");
    return post(path + "/attempts", root.dataset.returnTo ? { return_to: root.dataset.returnTo } : {})
      .then(function (answer) { attempt = answer; return lookup(answer.calls[0].function) || load(answer.script); })
      .then(function () { button.disabled = false; say(""); })
      .catch(function (problem) { attempt = null; fail(problem); });
  }

  function restart() {
    result = null;
    again.hidden = true;
    button.hidden = false;
    attempt = null;
  }

  function lookup(name) {
    return name.split(".").reduce(function (o, part) { return o ? o[part] : undefined; }, window);
  }

  function run(call, onResult) {
    var parts = call.function.split(".");
    var method = parts.pop();
    var target = lookup(parts.join("."));
    var args = call.args.slice();
    if (call.callback) { args.push(onResult); }
    var returned = target[method].apply(target, args);
    return call.callback ? undefined : returned;
  }

  function open() {
    if (!attempt) { prepare(); return; }
    if (Date.parse(attempt.expires_at) < Date.now() + 60000) { prepare(); return; }
    button.disabled = true;
    tell("waiting");
    var last = attempt.calls.length - 1;
    try {
      attempt.calls.forEach(function (call, i) {
        var returned = run(call, i === last ? finish : undefined);
        if (i === last && !call.callback) { Promise.resolve(returned).then(finish, cancel); }
      });
    } catch (e) { cancel(); }
  }

  function cancel() {
    restart();
    prepare().then(function () { tell("cancelled"); button.focus(); });
  }

  function finish(answer) {
    if (!answer || answer.success === false || answer.code) { cancel(); return; }
    result = {};
    Object.keys(answer).forEach(function (name) {
      var value = answer[name];
      if (typeof value === "string" || typeof value === "boolean") { result[name] = value; }
    });
    confirm();
  }

  function confirm() {
    again.disabled = true;
    tell("checking");
    post(path, result)
      .then(function (answer) { location.replace(answer.return_to); })
      .catch(fail)
      .then(function () { again.disabled = false; });
  }

  button.addEventListener("click", open);
  again.addEventListener("click", confirm);
  window.addEventListener("pageshow", function (event) { if (event.persisted) { restart(); prepare(); } });
  prepare();
})();
