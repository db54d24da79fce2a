// certify.js opens the provider's window from a button of the page's own: an
// element with data-certify, or certify.verify() of a script's. It needs
// nothing but a browser. Its types are in certify.d.ts.
(function () {
  "use strict";
  // Loaded twice, it would open two windows. An element with that id is no script.
  if (window.certify && typeof window.certify.verify === "function") { return; }

  var FRESH = 25 * 60 * 1000; // an attempt is good for 30 minutes
  var NEWEST = 3; // and only among the newest of the browser: see setAttempt
  var STALLED = 8000; // a window that was lost says nothing
  var DWELL = 300; // a pointer that stays means it
  var REST = 10000; // after a failure, unless somebody presses
  var LOGINS = 5; // times a visitor is asked to sign in again, before the verification counts as lost
  var LEAVING = 30000; // a slow page is on its way

  var own = document.currentScript;
  var nonce = own ? own.nonce : "";
  var base = own && own.src ? own.src.replace(/\/certify\.js([?#].*)?$/, "") : "/certifications";
  var verifications = {};
  var scripts = {};
  var begun = 0; // attempts of this page
  var failed = 0; // when the last of them did not come about
  var left = 0; // when the page was, with a claim

  var TEXTS = {
    ko: {
      preparing: "준비하고 있습니다…",
      waiting: "열린 인증 창에서 계속해 주세요.",
      stalled: "인증 창이 보이지 않으면 다시 눌러 주세요.",
      checking: "인증 결과를 확인하고 있습니다…",
      cancelled: "인증이 완료되지 않았습니다. 다시 시작할 수 있습니다.",
      click_again: "준비되었습니다. 한 번 더 눌러 주세요.",
      script_blocked: "인증 창을 불러오지 못했습니다. 광고 차단을 끄고 다시 눌러 주세요.",
      cookies_blocked: "이 브라우저가 쿠키를 막고 있어 인증할 수 없습니다. 쿠키를 허용한 뒤 새로고침해 주세요.",
      network: "연결이 원활하지 않습니다. 다시 시도해 주세요."
    },
    en: {
      preparing: "Getting ready…",
      waiting: "Please go on in the window that opened.",
      stalled: "If you do not see the window, press again.",
      checking: "Confirming your verification…",
      cancelled: "The verification was not completed. You can start again.",
      click_again: "It is ready. Please press once more.",
      script_blocked: "The verification window could not be loaded. Turn off blockers and try again.",
      cookies_blocked: "This browser blocks cookies, which verification needs. Allow them and reload.",
      network: "The connection failed. Please try again."
    }
  };

  function textOf(name) {
    var language = document.documentElement.lang || navigator.language || "";
    return TEXTS[/^ko\b/i.test(language) ? "ko" : "en"][name] || "";
  }

  // A failure has the members of a problem document, or some of them.
  function failure(problem) {
    var error = new Error(problem.detail || textOf(problem.code));
    error.name = "CertifyError";
    error.code = problem.code;
    error.detail = error.message;
    error.status = problem.status || 0;
    error.remedy = problem.remedy || "";
    return error;
  }

  function post(url, body) {
    return fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      credentials: "include",
      body: JSON.stringify(body)
    }).then(function (response) {
      return response.json().then(function (answer) {
        if (!response.ok) { throw failure(answer); }
        return answer;
      });
    }).catch(function (error) {
      throw error.name === "CertifyError" && error.code ? error : failure({ code: "network" });
    });
  }

  function find(name) {
    return name.split(".").reduce(function (object, part) { return object ? object[part] : undefined; }, window);
  }

  // load adds the provider's SDK, once. A strict policy lets it in by
  // 'strict-dynamic', by this script's own nonce or by its host.
  function load(answer) {
    if (find(answer.calls[0].function)) { return Promise.resolve(); }
    if (!scripts[answer.script]) {
      scripts[answer.script] = new Promise(function (done, fail) {
        var script = document.createElement("script");
        script.src = answer.script;
        if (nonce) { script.nonce = nonce; }
        script.onload = done;
        script.onerror = function () {
          script.remove();
          delete scripts[answer.script];
          fail(failure({ code: "script_blocked" }));
        };
        document.head.appendChild(script);
      });
    }
    return scripts[answer.script];
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

  // Browsers let only a click open a window, and soon forget it.
  function stillClicked(since) {
    return navigator.userActivation ? navigator.userActivation.isActive : Date.now() - since < 900;
  }

  function run(call, onResult) {
    var target = find(call.function.split(".").slice(0, -1).join(".")) || window;
    var args = call.callback ? call.args.concat(onResult) : call.args;
    return find(call.function).apply(target, args);
  }

  function succeeded(answer) { return !!answer && answer.success !== false && !answer.code; }

  // What may pass later, with the same verification and at no second fee.
  function passes(error) {
    return error.code === "network" || error.code === "verification_pending" || error.status >= 500 || error.status === 429;
  }

  // Whose login ended meanwhile may sign in again, in another tab.
  function wantsLogin(error) { return error.code === "attempt_other_account" || error.code === "account_required"; }

  // A verification is what one button stands for.
  function newVerification(path, wanted) {
    var state = "idle";
    var listener = null;
    var attempt = null; // as POST …/attempts answered
    var made = 0; // when
    var turn = 0; // as which of the page's
    var preparing = null; // a promise, while there is none
    var result = null; // what the provider's window said, until the site confirms it
    var asked = 0; // times, to sign in for it
    var windows = 0; // opened so far
    var ended = 0; // those of verifications that are done
    var stall = 0;
    var outcome = null; // of verify(), until it is settled

    function become(next, error, answer) {
      state = next;
      clearTimeout(stall);
      var settled = outcome;
      if (answer || error) { outcome = null; }
      tell({ state: next, text: error ? error.detail : textOf(next), error: error, answer: answer });
      if (settled && answer) { settled.resolve(answer); }
      if (settled && error) { settled.reject(error); }
    }

    // What the page does with it must not keep the window from opening.
    function tell(now) {
      try {
        if (listener) { listener(now); }
      } catch (e) { console.error(e); }
    }

    function promised() {
      if (!outcome) {
        outcome = {};
        outcome.promise = new Promise(function (resolve, reject) {
          outcome.resolve = resolve;
          outcome.reject = reject;
        });
      }
      return outcome.promise;
    }

    function isPrepared() { return attempt && Date.now() - made < FRESH && begun - turn < NEWEST; }

    // The attempt and the SDK must be there before the click that opens.
    function begin() {
      attempt = null;
      if (!keepsCookies()) { return Promise.reject(failure({ code: "cookies_blocked" })); }
      turn = ++begun;
      return post(path + "/attempts", wanted).then(function (answer) {
        return load(answer).then(function () {
          attempt = answer;
          made = Date.now();
        });
      }).catch(function (error) {
        failed = Date.now();
        throw error;
      });
    }

    function prepare() {
      if (preparing) { return preparing; }
      if (result || isPrepared() || state === "waiting" || state === "stalled") { return Promise.resolve(); }
      become("preparing");
      preparing = begin().then(function () {
        preparing = null;
        become("ready");
      }, function (error) {
        preparing = null;
        become("failed", error);
      });
      return preparing;
    }

    function verify() {
      if (outcome && state !== "stalled") { return outcome.promise; } // a double click
      var promise = promised();
      if (result) {
        check();
      } else if (isPrepared()) {
        open();
      } else {
        var pressed = Date.now();
        if (state === "stalled") { state = "idle"; } // for so long that the attempt is over
        if (preparing) { become("preparing"); } // since a pointer passed over, untold
        prepare().then(function () {
          if (state !== "ready") { return; } // it was told why
          if (stillClicked(pressed)) { open(); } else { become("ready", failure({ code: "click_again" })); }
        });
      }
      return promise;
    }

    function open() {
      var mine = ++windows;
      var opened = attempt;
      var last = attempt.calls.length - 1;
      // A result counts whenever it comes, even from a window that was opened
      // before; a failure only of the window opened last.
      function settle(answer) {
        if (answer === undefined) { return; } // the page is being left for the provider's
        if (mine <= ended) { return; } // another window brought the claim
        if (!result && (succeeded(answer) || mine === windows)) { finish(answer); }
      }
      // A second window under an attempt that is verified already is no failure.
      function refused(error) {
        settle(error && /AlreadyVerified$/.test(error.code) ? { identityVerificationId: opened.identityVerificationId } : null);
      }
      become("waiting");
      stall = setTimeout(function () { become("stalled"); }, STALLED);
      try {
        opened.calls.forEach(function (call, i) {
          var returned = run(call, settle);
          if (i === last && !call.callback) { Promise.resolve(returned).then(settle, refused); }
        });
      } catch (e) { refused(e); }
    }

    function finish(answer) {
      windows++; // what was opened has ended
      if (!succeeded(answer)) {
        renew("cancelled", failure({ code: "cancelled" }));
        return;
      }
      result = {};
      asked = 0;
      Object.keys(answer).forEach(function (name) {
        if (typeof answer[name] === "string" || typeof answer[name] === "boolean") { result[name] = answer[name]; }
      });
      check();
    }

    // renew makes the next attempt before it says what became of the last, so
    // that the next click opens a window.
    function renew(next, error) {
      function told(what, why) {
        preparing = null;
        if (!result) { become(what, why); }
      }
      clearTimeout(stall);
      preparing = begin().then(function () { told(next, error); }, function (fault) { told("failed", fault); });
    }

    function check() {
      become("checking");
      post(path, result).then(function (answer) {
        result = attempt = null;
        ended = windows;
        become("done", null, answer);
      }, function (error) {
        if (passes(error) || wantsLogin(error) && asked < LOGINS) {
          if (wantsLogin(error)) { asked++; }
          become("pending", error);
          return;
        }
        result = null;
        renew("failed", error);
      });
    }

    // resume is for a page that the browser shows again as it was left.
    function resume() {
      if (result) {
        check();
      } else if (state !== "idle") {
        windows++;
        if (outcome) { outcome.reject(failure({ code: "cancelled" })); }
        outcome = attempt = preparing = null;
        state = "idle";
        prepare();
      }
    }

    return {
      prepare: prepare,
      verify: verify,
      resume: resume,
      isBusy: function () { return !!(outcome || result); },
      // The button that is used shows the progress, not one merely passed over.
      listen: function (to) { if (to && !outcome && !result) { listener = to; } }
    };
  }

  function here() {
    var origin = new URL(base, location.href).origin === location.origin ? "" : location.origin;
    return origin + location.pathname + location.search;
  }

  function of(options) {
    options = options || {};
    var path = options.path || base;
    var wanted = { return_to: options.returnTo === undefined ? here() : options.returnTo, purpose: options.purpose || "" };
    var key = JSON.stringify([path, wanted]);
    if (!verifications[key]) { verifications[key] = newVerification(path, wanted); }
    verifications[key].listen(options.onState);
    return verifications[key];
  }

  // statusOf is where the texts of an element with data-certify go: another
  // that it names, or one that is made behind it.
  function statusOf(element) {
    var selector = element.getAttribute("data-certify-status");
    var status = selector ? document.querySelector(selector) : null;
    if (status) { return status; }
    status = element.nextElementSibling;
    if (!status || !status.hasAttribute("data-certify-says")) {
      status = document.createElement("span");
      status.setAttribute("data-certify-says", "");
      status.setAttribute("role", "status");
      element.insertAdjacentElement("afterend", status);
    }
    return status;
  }

  // optionsOf reads what a link to the start page, or a button, asks for.
  function optionsOf(element, pressed) {
    var query = element.href ? new URL(element.href, location.href).searchParams : new URLSearchParams();
    var status = statusOf(element);
    return {
      returnTo: element.getAttribute("data-return-to") || query.get("return_to") || undefined,
      purpose: element.getAttribute("data-purpose") || query.get("purpose") || "",
      onState: function (now) {
        element.setAttribute("data-certify-state", now.state);
        if (!pressed) { return; } // nobody asked yet
        status.setAttribute("data-certify-state", now.state);
        status.textContent = now.text;
        if (now.answer) {
          left = Date.now();
          location.assign(now.answer.return_to);
        }
      }
    };
  }

  function elementOf(event) {
    return event.target instanceof Element ? event.target.closest("[data-certify]") : null;
  }

  // Browsers keep few attempts, so none is begun on a mere chance while one is
  // being paid for; nor is a site that refuses asked for ever.
  function prepare(options) {
    var busy = Object.keys(verifications).some(function (key) { return verifications[key].isBusy(); });
    return busy || Date.now() - failed < REST ? Promise.resolve() : of(options).prepare();
  }

  // A list may have many such elements, and pointers pass over all of them.
  var near = null;
  var dwelling = 0;

  function approach(event) {
    var element = elementOf(event);
    if (element === near && event.type !== "pointerdown") { return; } // over a part of it
    clearTimeout(dwelling);
    near = element;
    function warm() { prepare(optionsOf(element, false)); }
    if (element && event.type === "pointerdown") { warm(); } else if (element) { dwelling = setTimeout(warm, DWELL); }
  }

  // Whoever wants another tab gets the start page there.
  document.addEventListener("click", function (event) {
    var element = elementOf(event);
    if (!element || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) { return; }
    event.preventDefault();
    if (Date.now() - left < LEAVING) { return; }
    of(optionsOf(element, true)).verify().catch(function () {}); // it was told
  });
  ["pointerover", "pointerdown", "focusin"].forEach(function (type) { document.addEventListener(type, approach); });
  window.addEventListener("pageshow", function (event) {
    if (!event.persisted) { return; }
    left = 0;
    Object.keys(verifications).forEach(function (key) { verifications[key].resume(); });
  });

  window.certify = {
    prepare: prepare,
    verify: function (options) { return of(options).verify(); }
  };
})();
