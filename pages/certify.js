// certify.js opens the provider's window from a button of the page's own: an
// element with data-certify, or certify.verify() of a script's. It needs
// nothing but a browser. Its types are in certify.d.ts.
(function () {
  "use strict";

  // An element with an id is found in window, and one with a name in document,
  // where it even hides what the browser put there (HTML, section 3.1.7). So a
  // global counts only as window's own property, and a member of document is
  // read from the prototype.
  function global(name) {
    return Object.prototype.hasOwnProperty.call(window, name) ? window[name] : undefined;
  }
  var prototype = Object.getPrototypeOf(document);
  function member(name) { return Reflect.get(prototype, name, document); }
  function create(tag) { return member("createElement").call(document, tag); }
  function on(type, f) { member("addEventListener").call(document, type, f); }

  // A second copy would open a second window.
  if (global("certify") && typeof global("certify").verify === "function") { return; }

  var FRESH = 1500000; // 25 minutes: an attempt is good for 30
  var LIFE = 5400000; // and its verification can be confirmed for 90
  var STALLED = 8000; // a window that was lost says nothing
  var PATIENCE = 9000; // with answers and scripts that do not come
  var DWELL = 300; // a pointer that stays means it
  var REST = 10000; // after a failure, unless somebody presses
  var LOGINS = 5; // times a visitor is asked to sign in again, before the verification counts as lost
  var LEAVING = 30000; // a slow page is on its way

  var own = member("currentScript");
  var nonce = own ? own.nonce : "";
  var base = own && own.src ? own.src.replace(/\/certify\.js([?#].*)?$/, "") : "/certifications";
  var verifications = {};
  var scripts = {};
  var policy; // of Trusted Types
  var jar = prototype; // through which cookies are read
  var newest = ""; // the last attempt of this page
  var mine = ""; // when this page opened a window last
  var failed = 0; // when the last attempt did not come about
  var left = 0; // when the page was, with a claim
  var loaded = Date.now();
  var away = 0; // when the visitor last looked elsewhere
  var hidden = []; // what begins when the page is shown
  var layers = []; // what the SDK put over the page

  var TEXTS = {
    ko: {
      preparing: "준비하고 있습니다…",
      waiting: "열린 인증 창에서 계속해 주세요.",
      stalled: "인증 창이 보이지 않으면 다시 눌러 주세요.",
      checking: "인증 결과를 확인하고 있습니다…",
      unconfirmed: "본인인증은 완료되었습니다. 결과가 확인되면 이어집니다. ",
      again: "다시 확인",
      cancelled: "인증이 완료되지 않았습니다. 다시 시작할 수 있습니다.",
      popup_blocked: "브라우저가 인증 창을 차단했습니다. 주소창에서 이 사이트의 팝업을 허용한 뒤 다시 눌러 주세요.",
      click_again: "준비되었습니다. 한 번 더 눌러 주세요.",
      script_blocked: "인증 창을 불러오지 못했습니다. 광고 차단을 끄고 다시 눌러 주세요.",
      script_failed: "예상하지 못한 오류입니다. 다시 시도해 주세요.",
      cookies_blocked: "이 브라우저가 쿠키를 막고 있어 인증할 수 없습니다. 쿠키를 허용한 뒤 새로고침해 주세요.",
      network: "연결이 원활하지 않습니다. 다시 시도해 주세요."
    },
    en: {
      preparing: "Getting ready…",
      waiting: "Please go on in the window that opened.",
      stalled: "If you do not see the window, press again.",
      checking: "Confirming your verification…",
      unconfirmed: "Your verification is done and will be confirmed. ",
      again: "Check again",
      cancelled: "The verification was not completed. You can start again.",
      popup_blocked: "The browser blocked the window. Allow pop-ups for this site and press again.",
      click_again: "It is ready. Please press once more.",
      script_blocked: "The verification window could not be loaded. Turn off blockers and try again.",
      script_failed: "Something went wrong. Please try again.",
      cookies_blocked: "This browser blocks cookies, which verification needs. Allow them and reload.",
      network: "The connection failed. Please try again."
    }
  };

  function textOf(name) {
    var language = member("documentElement").lang || navigator.language || "";
    return TEXTS[/^ko\b/i.test(language) ? "ko" : "en"][name] || "";
  }

  // A failure has the members of a problem document, or some of them, and what
  // caused it, which is for developers.
  function failure(problem, cause) {
    var error = new Error(problem.detail || textOf(problem.code));
    error.name = "CertifyError";
    error.code = problem.code;
    error.detail = error.message;
    error.status = problem.status || 0;
    error.remedy = problem.remedy || "";
    error.cause = cause;
    return error;
  }

  function isFailure(error) { return !!error && error.name === "CertifyError"; }

  // explained turns what nobody expected into a sentence for the visitor.
  function explained(error) {
    if (isFailure(error)) { return error; }
    console.error(error);
    return failure({ code: "script_failed" }, error);
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
    }).catch(function (error) { throw isFailure(error) ? error : failure({ code: "network" }, error); });
  }

  // within gives a promise some milliseconds, and then calls late for an error.
  function within(ms, promise, late) {
    return new Promise(function (done, fail) {
      var timer = setTimeout(function () { fail(late()); }, ms);
      function ended() { clearTimeout(timer); }
      promise.then(ended, ended);
      promise.then(done, fail);
    });
  }

  // storage reads, writes or (null) removes an item of sessionStorage or
  // localStorage, where the browser has it.
  function storage(kind, name, value) {
    try {
      if (value === undefined) { return window[kind].getItem(name); }
      if (value === null) { window[kind].removeItem(name); } else { window[kind].setItem(name, value); }
    } catch (e) { } // it is full or forbidden
    return null;
  }

  // keptFor finds what a window said that the site did not confirm yet, even
  // before a reload.
  function keptFor(path, purpose) {
    var found = null;
    try {
      Object.keys(sessionStorage).forEach(function (name) {
        if (name.indexOf("certify:result:")) { return; }
        var kept = JSON.parse(sessionStorage.getItem(name));
        if (kept.path === path && kept.purpose === purpose && Date.now() - kept.at < LIFE) { found = kept; }
      });
    } catch (e) { }
    return found;
  }

  // find returns the function with a dotted name, with its object bound.
  function find(name) {
    var parts = name.split(".");
    var last = parts.pop();
    var target = parts.reduce(function (object, part) {
      return object === window ? global(part) : object ? object[part] : undefined;
    }, window);
    return target && typeof target[last] === "function" ? function (args) { return target[last].apply(target, args); } : null;
  }

  function trusted(address) {
    var types = global("trustedTypes");
    try {
      if (types && !policy) { policy = types.createPolicy("certify", { createScriptURL: String }); }
    } catch (e) { } // the page has no such policy, and may not want one
    return policy ? policy.createScriptURL(address) : address;
  }

  function isLoaded(answer) { return answer.calls.every(function (call) { return find(call.function); }); }

  // load adds the provider's SDK, once. A strict policy lets it in by
  // 'strict-dynamic', by this script's own nonce or by its host.
  function load(answer) {
    if (isLoaded(answer)) { return Promise.resolve(); }
    if (!scripts[answer.script]) {
      scripts[answer.script] = new Promise(function (done, fail) {
        var script = create("script");
        function blocked() {
          script.remove();
          delete scripts[answer.script];
          fail(failure({ code: "script_blocked" }));
        }
        script.src = trusted(answer.script);
        if (nonce) { script.nonce = nonce; }
        script.onload = function () { if (isLoaded(answer)) { done(); } else { blocked(); } };
        script.onerror = blocked;
        member("head").appendChild(script);
      });
      scripts[answer.script].catch(function () { delete scripts[answer.script]; });
    }
    return scripts[answer.script];
  }

  function cookies() { return Reflect.get(jar, "cookie", document); }
  function setCookie(text) { Reflect.set(jar, "cookie", text + "; SameSite=Lax", document); }

  // navigator.cookieEnabled is true even where Chromium's settings block every
  // cookie, and a verification without them is a fee for nothing.
  function keeps() {
    try {
      setCookie("certify-probe=1");
      var kept = cookies().indexOf("certify-probe=1") >= 0;
      setCookie("certify-probe=; Max-Age=0");
      return kept;
    } catch (e) { return false; } // in a sandboxed frame
  }

  // keepsCookies asks the browser itself where a consent manager put its own
  // document.cookie into the prototype: a new frame has the browser's.
  function keepsCookies() {
    if (keeps()) { return true; }
    var frame = create("iframe");
    frame.hidden = true;
    try {
      member("documentElement").appendChild(frame);
      jar = frame.contentWindow.Document.prototype;
      if (keeps()) { return true; }
    } catch (e) {
    } finally { frame.remove(); }
    jar = prototype;
    return false;
  }

  // idOf finds the attempt's id under whichever name the provider has for it.
  function idOf(answer) {
    return answer[Object.keys(answer).find(function (name) { return /^[0-9a-f]{32}$/.test(answer[name]); })] || "";
  }

  // markOpened tells the server which attempts people are at the provider
  // with, the last 16: it keeps these before all that were only prepared.
  function markOpened(answer) {
    var name = answer.opened_cookie;
    var id = idOf(answer).slice(0, 8);
    mine = String(Date.now());
    storage("localStorage", "certify:opened", mine);
    if (!name || !id) { return; }
    var old = new RegExp("(?:^|; )" + name + "=([0-9a-f.]*)").exec(cookies());
    var ids = (old ? old[1] : "").split(".").filter(function (other) { return other && other !== id; });
    setCookie(name + "=" + [id].concat(ids).slice(0, 16).join(".") + "; Path=/; Max-Age=5400" + (/^__Host-/.test(name) ? "; Secure" : ""));
  }

  // Browsers let only a click open a window, and soon forget it.
  function stillClicked(since) {
    return navigator.userActivation ? navigator.userActivation.isActive : Date.now() - since < 900;
  }

  function isShown() { return !member("hidden") && !member("prerendering"); }

  function succeeded(answer) { return !!answer && answer.success !== false && !answer.code; }

  // What may pass later, with the same verification and at no second fee.
  function passes(error) {
    return error.code === "network" || error.code === "verification_pending" || error.status >= 500 || error.status === 429;
  }

  // Whose login ended meanwhile may sign in again, in another tab.
  function wantsLogin(error) { return error.code === "attempt_other_account" || error.code === "account_required"; }

  // A verification is what one button stands for. Of the start page's, start is
  // the address.
  function newVerification(path, wanted, start) {
    var state = "idle";
    var listener = null;
    var attempt = null; // as POST …/attempts answered
    var made = 0; // when
    var mark = ""; // of the last that was begun
    var preparing = null; // a promise, while there is none
    var kept = keptFor(path, wanted.purpose); // what the provider's window said, until the site confirms it
    var checks = 0; // times that it was asked
    var windows = 0; // opened so far
    var ended = 0; // those of verifications that are done
    var stall = 0;
    var looked = loaded; // when, for a claim of another tab's
    var unwatch = null; // stops what watches the SDK
    var outcome = null; // of verify(), until it is settled

    function become(next, error, answer) {
      state = next;
      clearTimeout(stall);
      if (unwatch && next !== "waiting" && next !== "stalled") { unwatch(); }
      var settled = outcome;
      if (answer || error) { outcome = null; }
      var text = error ? error.detail : textOf(next);
      if (next === "pending" && error.code !== "verification_pending" && !wantsLogin(error)) { text = textOf("unconfirmed") + text; }
      tell({ state: next, text: text, error: error, answer: answer });
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

    // Only the newest attempt of all tabs is there for sure, until it is opened.
    function isPrepared() {
      return attempt && Date.now() - made < FRESH && (storage("localStorage", "certify:begun") || newest) === mark;
    }

    // The attempt and the SDK must be there before the click that opens.
    function begin() {
      attempt = null;
      if (!keepsCookies()) { return Promise.reject(failure({ code: "cookies_blocked" })); }
      var late = "network";
      var now = mark = newest = Date.now() + "." + Math.random();
      storage("localStorage", "certify:begun", now);
      return within(PATIENCE, post(path + "/attempts", wanted).then(function (answer) {
        late = "script_blocked";
        return load(answer).then(function () {
          if (now !== mark) { return; } // it came too late
          storage("sessionStorage", "certify:return:" + idOf(answer), wanted.return_to);
          attempt = answer;
          made = Date.now();
        });
      }), function () {
        scripts = {};
        return failure({ code: late });
      }).catch(function (error) {
        if (error.code === "return_path_refused" && /#/.test(wanted.return_to)) { // too long, perhaps
          wanted.return_to = wanted.return_to.replace(/#.*/, "");
          return begin();
        }
        failed = Date.now();
        throw explained(error);
      });
    }

    // prepare says nothing if quiet: who is about to press needs the button.
    function prepare(quiet) {
      if (preparing) { return preparing; }
      if (kept && state === "idle") { check(); }
      if (kept || isPrepared() || state === "waiting" || state === "stalled") { return Promise.resolve(); }
      if (!quiet) { become("preparing"); }
      preparing = begin().then(function () {
        preparing = null;
        if (!quiet || state === "preparing") { become("ready"); }
      }, function (error) {
        preparing = null;
        become("failed", error);
      });
      return preparing;
    }

    function verify() {
      if (outcome && state !== "stalled") { return outcome.promise; } // a double click
      var promise = promised();
      var pressed = Date.now();
      if (kept) {
        check();
      } else if (mayBeClaimed()) {
        become("preparing");
        look().then(function (claimed) { if (!claimed) { go(pressed); } });
      } else {
        go(pressed);
      }
      return promise;
    }

    function go(pressed) {
      if (isPrepared()) { return open(); }
      if (state === "stalled") { state = "idle"; } // for so long that the attempt is over
      if (preparing) { become("preparing"); } // since a pointer passed over, untold
      prepare().then(function () {
        if (!attempt || !outcome) { return; } // it was told why
        if (stillClicked(pressed)) { open(); } else { become("ready", failure({ code: "click_again" })); }
      });
    }

    // mayBeClaimed reports whether another tab can have brought a claim since
    // this one was looked at.
    function mayBeClaimed() {
      var opened = storage("localStorage", "certify:opened");
      return (away > looked || opened > looked) && (start || opened && opened !== mine && opened > loaded - FRESH);
    }

    // look asks the start page whether it would send the visitor straight back.
    function look() {
      looked = Date.now();
      if (wanted.purpose || new URL(path, location.href).origin !== location.origin) { return Promise.resolve(false); }
      var asked = fetch(start || path + "/?return_to=" + encodeURIComponent(wanted.return_to), { method: "HEAD", redirect: "manual" })
        .then(function (response) {
          return response.type === "opaqueredirect" && fetch(path + "/claim").then(function (answer) { return answer.ok && answer.json(); });
        });
      return within(3000, asked, Error).then(function (claim) {
        if (!claim || kept) { return false; }
        become("done", null, { return_to: wanted.return_to || "/", claim: claim });
        return true;
      }).catch(function () { return false; });
    }

    function open() {
      var turn = ++windows;
      var opened = attempt;
      var last = opened.calls.length - 1;
      // A result counts whenever it comes, even from a window that was opened
      // before; a failure only of the window opened last.
      function settle(answer) {
        if (answer === undefined) { return; } // the page is being left for the provider's
        if (turn <= ended) { return; } // another window brought the claim
        if (!kept && (succeeded(answer) || turn === windows)) { finish(answer, idOf(opened)); }
      }
      // A second window under an attempt that is verified already is no failure.
      function refused(error) {
        settle(error && /AlreadyVerified$/.test(error.code) ? { identityVerificationId: opened.identityVerificationId } : error || null);
      }
      markOpened(opened);
      looked = Date.now();
      become("waiting");
      stall = setTimeout(function () { become("stalled"); }, STALLED);
      if (unwatch) { unwatch(); }
      unwatch = watch(function () { refused({ code: "popup_blocked" }); });
      try {
        opened.calls.forEach(function (call, i) {
          var returned = find(call.function)(call.callback ? call.args.concat(settle) : call.args);
          if (i === last && !call.callback) { Promise.resolve(returned).then(settle, refused); }
        });
      } catch (e) {
        renew("failed", explained(e));
      }
    }

    function finish(answer, id) {
      windows++; // what was opened has ended
      if (!succeeded(answer)) {
        var code = answer && (answer.code || answer.error_code);
        console.warn("certify:", code, answer && (answer.message || answer.error_msg));
        renew("cancelled", failure({ code: /popup_?block/i.test(code) ? "popup_blocked" : "cancelled" }, answer));
        return;
      }
      var result = {};
      Object.keys(answer).forEach(function (name) {
        if (typeof answer[name] === "string" || typeof answer[name] === "boolean") { result[name] = answer[name]; }
      });
      take(result, id);
    }

    // take has the site confirm what a window said, and keeps it until then.
    function take(result, id) {
      result.return_to = storage("sessionStorage", "certify:return:" + id) || wanted.return_to;
      kept = { path: path, purpose: wanted.purpose, result: result, id: id, at: Date.now(), asked: 0 };
      check();
    }

    function forget() {
      storage("sessionStorage", "certify:result:" + kept.id, null);
      storage("sessionStorage", "certify:return:" + kept.id, null);
      kept = null;
    }

    // renew makes the next attempt before it says what became of the last, so
    // that the next click opens a window.
    function renew(next, error) {
      function told(what, why) {
        preparing = null;
        if (!kept) { become(what, why); }
      }
      clearTimeout(stall);
      preparing = begin().then(function () { told(next, error); }, function (fault) { told("failed", fault); });
    }

    function check() {
      var turn = ++checks;
      var slow = setTimeout(function () { unconfirmed(failure({ code: "network" })); }, PATIENCE);
      function unconfirmed(error) {
        clearTimeout(slow);
        if (!kept || turn !== checks) { return; } // another check has an answer, or will
        var again = wantsLogin(error) && kept.asked < LOGINS;
        if (again) { kept.asked++; }
        keep();
        if (again || passes(error)) { return become("pending", error); }
        forget();
        renew("failed", error);
      }
      keep();
      become("checking");
      post(path, kept.result).then(function (answer) {
        clearTimeout(slow);
        if (!kept) { return; }
        forget();
        attempt = null;
        ended = windows;
        become("done", null, answer);
      }, unconfirmed);
    }

    function keep() { storage("sessionStorage", "certify:result:" + kept.id, JSON.stringify(kept)); }

    // resume is for a page that the browser shows again as it was left.
    function resume() {
      if (kept) {
        check();
      } else if (state !== "idle") {
        windows++;
        if (unwatch) { unwatch(); }
        if (outcome) { outcome.reject(failure({ code: "cancelled" })); }
        outcome = attempt = preparing = null;
        state = "idle";
        prepare();
      }
    }

    // shown is for a page that is looked at again: another tab may have brought
    // the claim, or begun so much that this attempt is gone.
    function shown() {
      if (outcome || kept || preparing || state === "done") { return; }
      (start && away > looked ? look() : Promise.resolve(false)).then(function (claimed) {
        if (!claimed && !outcome && !kept && attempt && !isPrepared()) { prepare(true); }
      });
    }

    return {
      prepare: prepare, verify: verify, resume: resume, shown: shown, take: take,
      isKept: function () { return !!kept; },
      isBusy: function () { return !!(outcome || kept); },
      // The button that is used shows the progress, not one merely passed over.
      listen: function (to, pressed) { if (to && !outcome && (pressed || !kept || !listener)) { listener = to; } }
    };
  }

  // watch tells of a window that the browser did not open, and notes what the
  // SDK adds to the document. It returns what ends that.
  function watch(blocked) {
    var opens = window.open;
    var observer = new MutationObserver(function (records) {
      records.forEach(function (record) { layers = layers.concat(Array.from(record.addedNodes)); });
    });
    function watched() {
      var opened = opens.apply(window, arguments);
      if (!opened) { setTimeout(blocked, 0); }
      return opened;
    }
    window.open = watched;
    observer.observe(member("documentElement"), { childList: true });
    observer.observe(member("body"), { childList: true });
    return function () {
      if (window.open === watched) { window.open = opens; }
      observer.disconnect();
    };
  }

  // resolved is the address as the server takes it: a path of its own origin,
  // or a whole address.
  function resolved(to, path) {
    if (to === "") { return to; }
    try {
      var at = new URL(path, location.href);
      var url = new URL(to, at.origin === location.origin ? location.href : at.href);
      return ((url.origin === at.origin ? "" : url.origin) + url.pathname + url.search + url.hash).replace(/\\/g, "%5C");
    } catch (e) { return to; } // the server says what is wrong with it
  }

  function of(options, pressed) {
    options = options || {};
    var path = options.path || base;
    var wanted = { return_to: resolved(options.returnTo === undefined ? location.href : options.returnTo, path), purpose: options.purpose || "" };
    var key = JSON.stringify([path, wanted]);
    if (!verifications[key]) { verifications[key] = newVerification(path, wanted, options.start); }
    verifications[key].listen(options.onState, pressed);
    return verifications[key];
  }

  // statusOf is where the texts of an element with data-certify go: another
  // that it names, or one that is made behind it.
  function statusOf(element) {
    var selector = element.getAttribute("data-certify-status");
    var status = selector ? member("querySelector").call(document, selector) : null;
    if (status) { return status; }
    status = element.nextElementSibling;
    if (!status || !status.hasAttribute("data-certify-says")) {
      status = create("span");
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
    return event.target instanceof Element ? Element.prototype.closest.call(event.target, "[data-certify]") : null;
  }

  function whenShown(f) {
    if (isShown()) { return f(); }
    return new Promise(function (done) { hidden.push(function () { done(f()); }); });
  }

  // Browsers keep few attempts, so none is begun on a mere chance while one is
  // being paid for or nobody looks; nor is a site that refuses asked for ever.
  function prepare(options) {
    return whenShown(function () {
      var verification = of(options);
      if (verification.isKept()) { return verification.prepare(); }
      var busy = Object.keys(verifications).some(function (key) { return verifications[key].isBusy(); });
      return busy || Date.now() - failed < REST ? Promise.resolve() : verification.prepare();
    });
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

  function press(element) { of(optionsOf(element, true), true).verify().catch(function () {}); } // it was told

  function each(what) {
    Object.keys(verifications).forEach(function (key) { verifications[key][what](); });
  }

  function leave() { away = Date.now(); }

  function show() {
    if (!isShown()) { return leave(); }
    hidden.splice(0).forEach(function (f) { f(); });
    each("shown");
  }

  // takeUp goes on with what a window said before the page was reloaded, or
  // with a phone's return, should a service worker answer that with the app.
  function takeUp() {
    var path = new URL(base, location.href);
    if (location.origin + location.pathname === path.origin + path.pathname + "/redirect" && location.search) {
      var result = {};
      new URLSearchParams(location.search).forEach(function (value, name) { result[name] = value; });
      var button = create("button");
      button.setAttribute("data-certify", "");
      button.setAttribute("data-return-to", storage("sessionStorage", "certify:return:" + idOf(result)) || "/");
      button.textContent = textOf("again");
      member("body").insertBefore(button, member("body").firstChild);
      of(optionsOf(button, true), true).take(result, idOf(result));
      return;
    }
    Array.from(member("querySelectorAll").call(document, "[data-certify]")).some(function (element) {
      var options = optionsOf(element, true);
      return keptFor(base, options.purpose) && of(options, true).prepare();
    });
  }

  // Whoever wants another tab gets the start page there.
  on("click", function (event) {
    var element = elementOf(event);
    if (!element || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) { return; }
    event.preventDefault();
    if (Date.now() - left >= LEAVING) { press(element); }
  });
  ["pointerover", "pointerdown", "focusin"].forEach(function (type) { on(type, approach); });
  ["visibilitychange", "prerenderingchange"].forEach(function (type) { on(type, show); });
  window.addEventListener("focus", show);
  window.addEventListener("blur", leave);
  window.addEventListener("pageshow", function (event) {
    if (!event.persisted) { return; }
    left = 0;
    layers.splice(0).forEach(function (layer) { layer.remove(); });
    each("resume");
  });

  window.certify = {
    prepare: prepare,
    verify: function (options) { return of(options, true).verify(); }
  };
  if (member("readyState") === "loading") { on("DOMContentLoaded", takeUp); } else { takeUp(); }
})();
