// The browser script of the certify sandbox: IMP.init, IMP.agency and
// IMP.certification as i'mport's own, opening the sandbox's window. It needs
// no jQuery and no permission but to open that window.
//
// For tests it misbehaves as the vendor's does at times, as a page says in
// window.certifySandbox before it calls: { layer: true } puts a full-screen
// layer over the page and leaves it there; { silent: true } never answers for
// a window that did not open; { error: "F0001" } opens nothing and answers with
// that code; { throws: true } throws.
(function () {
  "use strict";

  // An element of the page with that name hides document.currentScript.
  var script = Reflect.get(Object.getPrototypeOf(document), "currentScript", document);
  if (!script || !script.src) {
    throw new Error("certify sandbox: load iamport.js with a classic <script src>, so that it knows where the sandbox is");
  }
  var sandbox = new URL(script.src).origin;
  var account = null;
  var current = null; // the verification whose window is open
  var count = 0;

  var WINDOW = "width=460,height=780,scrollbars=yes,resizable=yes";

  function failure(code, message) {
    return { success: false, error_code: code, error_msg: message };
  }

  // The vendor's rule: phones redirect, everything else, an iPad too, opens a
  // window.
  function onPhone() {
    var agent = navigator.userAgent;
    return /Android|iPhone|iPod|Windows Phone|Mobile/i.test(agent) && !/iPad/i.test(agent);
  }

  function randomUID() {
    return "mid_" + Date.now() + "_" + Math.random().toString(36).slice(2, 8);
  }

  function answer(callback, result) {
    setTimeout(function () { callback(result); }, 0);
  }

  function address(param, redirect) {
    var url = new URL("/sandbox/window", sandbox);
    var set = function (name, value) {
      if (value !== undefined && value !== null && value !== "") {
        url.searchParams.set(name, String(value));
      }
    };
    ["min_age", "company", "name", "phone", "carrier", "pg", "channelKey"].forEach(function (name) {
      set(name, param[name]);
    });
    set("code", account.code);
    set("tier", account.tier);
    set("merchant_uid", param.merchant_uid || randomUID());
    // An indication only; bounded, because a WebView's data: page is endless.
    set("origin", location.href.slice(0, 600));
    // Not location.origin, which names an origin the page may not have.
    set("opener", window.origin);
    set("m_redirect_url", redirect);
    return url.href;
  }

  function redirectURL(given) {
    try {
      return new URL(given, location.href).href;
    } catch (e) {
      return "";
    }
  }

  // leave goes to the window on this very tab; the callback never runs.
  function leave(param, callback) {
    var redirect = param.m_redirect_url ? redirectURL(param.m_redirect_url) : "";
    if (redirect === "") {
      answer(callback, failure("SANDBOX_NO_REDIRECT_URL",
        "모바일에서는 m_redirect_url이 필요합니다. m_redirect_url을 지정하거나 popup: true로 호출하세요. " +
        "(On phones m_redirect_url is required, unless popup is true.)"));
      return;
    }
    location.assign(address(param, redirect));
  }

  function popUp(param, callback) {
    if (current) {
      finish(current, current.result);
    }
    var child = window.open(address(param, ""), "certify_sandbox_" + Date.now() + "_" + (++count), WINDOW);
    if (!child && faults().silent) {
      return;
    }
    if (!child) {
      answer(callback, failure("SANDBOX_POPUP_BLOCKED",
        "팝업이 차단되었습니다. 팝업을 허용하거나, 클릭 이벤트 안에서 바로 IMP.certification을 호출하세요. " +
        "(The browser blocked the window. Allow pop-ups, or call IMP.certification straight from a click.)"));
      return;
    }
    current = { child: child, callback: callback, timer: 0, result: failure("F0000",
      "본인인증 창이 닫혔습니다. 창을 바로 닫지 않았다면 sandbox(" + sandbox + ")가 실행 중인지, " +
      "이 페이지의 Cross-Origin-Opener-Policy가 same-origin이 아닌지 확인하세요. " +
      "(The window closed before it was heard of. Is the sandbox running, and is the page's " +
      "Cross-Origin-Opener-Policy not same-origin?)") };
    watch(current);
    child.focus();
  }

  // watch notices that the visitor closed the window, which no event tells.
  function watch(verification) {
    verification.timer = setInterval(function () {
      if (!verification.child.closed) {
        return;
      }
      clearInterval(verification.timer);
      // A last message may still be on its way.
      setTimeout(function () { finish(verification, verification.result); }, 100);
    }, 250);
  }

  function finish(verification, result) {
    if (current !== verification) {
      return;
    }
    current = null;
    clearInterval(verification.timer);
    if (!verification.child.closed) {
      verification.child.close();
    }
    answer(verification.callback, result);
  }

  window.addEventListener("message", function (event) {
    if (!current || event.source !== current.child || event.origin !== sandbox) {
      return;
    }
    var data = event.data;
    if (!data || data.certifySandbox !== 1 || !data.result) {
      return;
    }
    current.result = data.result;
    if (data.done) {
      finish(current, data.result);
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

  function certification(param, callback) {
    param = param || {};
    if (faults().throws) {
      throw new TypeError("certify sandbox: thrown as window.certifySandbox wants it");
    }
    if (faults().layer) {
      cover();
    }
    if (typeof callback !== "function") {
      callback = function () {};
    }
    if (!account) {
      answer(callback, failure("SANDBOX_NO_INIT",
        "IMP.init(가맹점 식별코드)를 먼저 호출하세요. (Call IMP.init with the merchant code first.)"));
      return;
    }
    if (faults().error) {
      answer(callback, failure(faults().error, "window.certifySandbox에서 지정한 오류입니다. (The error that window.certifySandbox names.)"));
      return;
    }
    if (onPhone() && param.popup !== true) {
      leave(param, callback);
      return;
    }
    popUp(param, callback);
  }

  window.IMP = {
    init: function (code) { account = { code: code, tier: "" }; },
    agency: function (code, tier) { account = { code: code, tier: tier }; },
    certification: certification
  };
})();
