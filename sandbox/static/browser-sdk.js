// The browser script of the certify sandbox for PortOne V2:
// PortOne.requestIdentityVerification as PortOne's own, opening the sandbox's
// window.
//
// For tests it misbehaves as the vendor's does at times, as a page says in
// window.certifySandbox before it calls: { layer: true } puts a full-screen
// layer over the page and leaves it there; { silent: true } never answers for
// a window that did not open; { error: "PgError" } opens nothing and rejects
// with that code; { throws: true } throws.
(function () {
  "use strict";

  // An element of the page with that name hides document.currentScript.
  var script = Reflect.get(Object.getPrototypeOf(document), "currentScript", document);
  if (!script || !script.src) {
    throw new Error("certify sandbox: load browser-sdk.js with a classic <script src>, so that it knows where the sandbox is");
  }
  var sandbox = new URL(script.src).origin;
  var current = null; // the verification whose window is open
  var count = 0;

  var WINDOW = "width=460,height=780,scrollbars=yes,resizable=yes";

  // What the promise rejects with: no window was opened.
  function refusal(request, code, message) {
    var error = new Error(message);
    error.name = "IdentityVerificationError";
    error.code = code;
    error.transactionType = "IDENTITY_VERIFICATION";
    error.identityVerificationId = request.identityVerificationId;
    error.__portOneErrorType = "IdentityVerificationError";
    return error;
  }

  function missing(request) {
    return ["storeId", "identityVerificationId", "channelKey"].find(function (name) {
      return typeof request[name] !== "string" || request[name] === "";
    });
  }

  // The vendor's rule: phones redirect, everything else, an iPad too, opens a
  // window, unless the page asks for another.
  function redirects(request) {
    var agent = navigator.userAgent;
    var phone = /Android|iPhone|iPod|Windows Phone|Mobile/i.test(agent) && !/iPad/i.test(agent);
    var asked = (request.windowType || {})[phone ? "mobile" : "pc"];
    return request.forceRedirect === true || (asked ? asked === "REDIRECTION" : phone);
  }

  function absolute(given) {
    try {
      return new URL(given, location.href).href;
    } catch (e) {
      return "";
    }
  }

  // start has the record made. Text as the type spares a preflight.
  function start(request, redirect) {
    var body = Object.assign({}, request, { sandboxRedirectUrl: redirect, sandboxOpener: location.origin });
    return fetch(sandbox + "/sandbox/identity-windows", {
      method: "POST", credentials: "omit", headers: { "Content-Type": "text/plain" }, body: JSON.stringify(body)
    }).then(function (response) {
      return response.json().then(function (answer) {
        if (!response.ok) {
          throw refusal(request, answer.code || "UnknownError", answer.message || "");
        }
        return answer;
      });
    }, function () {
      throw refusal(request, "NetworkError",
        "sandbox(" + sandbox + ")에 연결할 수 없습니다. (The sandbox cannot be reached. Is it running?)");
    });
  }

  function popUp(request, started) {
    if (current) {
      closed(current);
    }
    var child = window.open(sandbox + started.window, "certify_sandbox_" + Date.now() + "_" + (++count), WINDOW);
    return new Promise(function (resolve, reject) {
      if (!child && faults().silent) {
        return;
      }
      if (!child) {
        reject(refusal(request, "SANDBOX_POPUP_BLOCKED",
          "팝업이 차단되었습니다. 팝업을 허용하거나, 클릭 이벤트 안에서 호출하세요. " +
          "(The browser blocked the window. Allow pop-ups, or call straight from a click.)"));
        return;
      }
      current = { child: child, resolve: resolve, timer: 0, key: started.key, result: started.failure };
      watch(current);
      child.focus();
    });
  }

  // watch notices that the visitor closed the window, which no event tells.
  function watch(verification) {
    verification.timer = setInterval(function () {
      if (!verification.child.closed) {
        return;
      }
      clearInterval(verification.timer);
      // A last message may still be on its way.
      setTimeout(function () { closed(verification); }, 100);
    }, 250);
  }

  // closed has the record say so too, before the page hears of it. Where the
  // window had come to an end, that stands.
  function closed(verification) {
    if (current !== verification) {
      return;
    }
    current = null;
    clearInterval(verification.timer);
    fetch(sandbox + "/sandbox/identity-windows/" + verification.key + "/close", { method: "POST", credentials: "omit" })
      .then(function (response) { return response.ok ? response.json() : verification.result; })
      .catch(function () { return verification.result; })
      .then(function (result) {
        verification.child.close();
        verification.resolve(result);
      });
  }

  window.addEventListener("message", function (event) {
    if (!current || event.source !== current.child || event.origin !== sandbox) {
      return;
    }
    var data = event.data;
    if (!data || data.certifySandbox !== 1 || typeof data.result !== "object") {
      return;
    }
    current.result = data.result;
    if (data.done) {
      closed(current);
    }
  });

  function faults() { return window.certifySandbox || {}; }

  // cover puts a layer over the page, as the vendor's script does while it
  // waits. Nothing takes it away.
  function cover() {
    var layer = document.createElement("div");
    layer.id = "sandbox-layer";
    layer.style.cssText = "position:fixed;inset:0;z-index:2147483647;background:rgba(0,0,0,.5)";
    document.body.appendChild(layer);
  }

  function requestIdentityVerification(request) {
    request = request || {};
    if (faults().throws) {
      throw new TypeError("certify sandbox: thrown as window.certifySandbox wants it");
    }
    if (faults().layer) {
      cover();
    }
    if (faults().error) {
      return Promise.reject(refusal(request, faults().error,
        "window.certifySandbox에서 지정한 오류입니다. (The error that window.certifySandbox names.)"));
    }
    var absent = missing(request);
    if (absent) {
      return Promise.reject(refusal(request, "BadRequest", absent + "이(가) 필요합니다. (" + absent + " is required.)"));
    }
    if (!redirects(request)) {
      return start(request, "").then(function (started) { return popUp(request, started); });
    }
    var redirect = request.redirectUrl ? absolute(request.redirectUrl) : "";
    if (redirect === "") {
      return Promise.reject(refusal(request, "BadRequest",
        "리디렉션 방식에서는 redirectUrl이 필요합니다. (redirectUrl is required where the window opens by redirection.)"));
    }
    return start(request, redirect).then(function (started) {
      location.assign(sandbox + started.window);
      return undefined; // the result goes to redirectUrl
    });
  }

  window.PortOne = { requestIdentityVerification: requestIdentityVerification };
})();
