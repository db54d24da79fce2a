// Runs certify.js and start.js, which the arguments name, with a document, a clock and a site
// that are made up, and prints a line of JSON for each test. See script_node_test.go.
"use strict";
const [certify, start] = process.argv.slice(2);
const fs = require("fs"), vm = require("vm"), assert = require("assert");

const tick = async () => { for (let i = 0; i < 20; i++) { await Promise.resolve(); } };

class Element {
  constructor(attributes) {
    this.attributes = attributes || {};
    this.hidden = this.disabled = false;
    this.dataset = {};
    this.listeners = {};
    this.classList = { toggle() {} };
  }
  get href() { return this.attributes.href; }
  getAttribute(name) { return name in this.attributes ? this.attributes[name] : null; }
  setAttribute(name, value) { this.attributes[name] = value; }
  hasAttribute(name) { return name in this.attributes; }
  closest() { return "data-certify" in this.attributes ? this : null; }
  insertAdjacentElement(where, element) { this.nextElementSibling = element; }
  addEventListener(type, f) { this.listeners[type] = f; }
  remove() {}
  focus() { if (!this.disabled && !this.hidden) { this.document.activeElement = this; } }
}

// A world is a page at https://shop.example/list that has loaded the script.
// What is to be there before the script is put there by setup.
function world(before, named, setup) {
  let now = 1e12;
  const timers = [], listeners = {}, w = { began: 0, windows: [], posted: [], went: [], complaints: [], warnings: [], looked: 0, claimed: false,
    asked: [], scripts: [], marked: [], hangs: false };
  // What the site answers: { status, … } is a problem.
  w.onAttempt = () => ({});
  w.opening = () => {};
  w.onResult = () => ({ return_to: "/done", claim: { age: 30 } });
  const answer = body => Promise.resolve({ ok: !body.status, json: () => Promise.resolve(body) });
  // The members of document are its prototype's, as in browsers.
  const members = w.members = {
    documentElement: { lang: "en", appendChild() {} }, activeElement: null, body: new Element(), hidden: false, prerendering: false, readyState: "complete",
    head: { appendChild(script) { w.scripts.push(script); } },
    currentScript: { nonce: "", src: "https://shop.example/certifications/certify.js" },
    addEventListener(type, f) { listeners[type] = f; },
    querySelector() { return null; },
    querySelectorAll() { return []; },
    createElement() { return new Element(); },
    getElementById(id) { return w.elements[id]; }
  };
  const kept = w.cookies = {};
  Object.defineProperty(members, "cookie", {
    configurable: true,
    get: () => Object.keys(kept).map(name => name + "=" + kept[name]).join("; "),
    set(text) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(text);
      if (/max-age=0/i.test(text)) { delete kept[name]; } else { kept[name] = value; }
    }
  });
  const document = Object.create(members);
  const storage = () => {
    const items = {}, hide = (name, value) => Object.defineProperty(items, name, { value, enumerable: false });
    hide("getItem", name => name in items ? items[name] : null);
    hide("setItem", (name, value) => { items[name] = String(value); });
    hide("removeItem", name => { delete items[name]; });
    return items;
  };
  const context = {
    document, URL, URLSearchParams, Element,
    MutationObserver: class {
      constructor(f) { w.added = (...nodes) => f([{ addedNodes: nodes }]); }
      observe() {}
      disconnect() { w.added = () => {}; }
    },
    sessionStorage: storage(), localStorage: storage(),
    console: { error(e) { w.complaints.push(e); }, warn(...words) { w.warnings.push(words.join(" ")); } },
    navigator: { language: "en", userActivation: { isActive: true } },
    location: { href: "https://shop.example/list", origin: "https://shop.example", pathname: "/list", search: "", hash: "",
      assign(url) { w.went.push(url); }, replace(url) { w.went.push(url); } },
    Date: { now: () => now },
    setTimeout(f, after) { timers.push({ f, at: now + after }); return timers.length; },
    clearTimeout(id) { if (timers[id - 1]) { timers[id - 1].f = null; } },
    addEventListener(type, f) { listeners["window " + type] = f; },
    open() { return {}; },
    fetch(url, init) {
      if (w.hangs) { return new Promise(() => {}); }
      if (!init) { return answer({ age: 30 }); }
      if (init.method === "HEAD") {
        w.looked++;
        return Promise.resolve({ type: w.claimed ? "opaqueredirect" : "basic" });
      }
      if (!url.endsWith("/attempts")) {
        w.posted.push(JSON.parse(init.body).imp_uid);
        return answer(w.onResult());
      }
      w.began++;
      w.asked.push(url + " " + JSON.parse(init.body).return_to);
      return answer(Object.assign({ script: "x", merchant_uid: idOf(w.began), opened_cookie: "certify-opened",
        calls: [{ function: "SDK.open", args: ["attempt" + w.began], callback: true }] }, w.onAttempt()));
    },
    SDK: { open(attempt, done) { w.opening(attempt, done); w.windows.push({ attempt, done: uid => done(uid ? { success: true, imp_uid: uid } : { success: false }) }); } }
  };
  Object.assign(context, before);
  // What has an id is found in window, too, but is not window's own.
  const window = context.window = Object.assign(Object.create(named || null), context);
  vm.createContext(context);
  Object.assign(w, { context, window, document: members, hides: document });
  if (setup) { setup(w); }
  w.run = file => vm.runInContext(fs.readFileSync(file, "utf8"), context);
  w.run(certify);
  w.certify = window.certify;
  w.current = () => window.certify;
  w.firesWindow = (type, event) => listeners["window " + type](event || {});
  w.fire = (type, target) => {
    const event = { type, target, button: 0, preventDefault() { event.defaultPrevented = true; } };
    listeners[type](event);
    return event;
  };
  w.pass = async ms => {
    now += ms;
    for (const t of timers) { if (t.f && t.at <= now) { const f = t.f; t.f = null; f(); } }
    await tick();
  };
  return w;
}

const link = to => new Element({ "data-certify": "", href: "https://shop.example/certifications/?return_to=" + to });
const minute = 60 * 1000;
const idOf = n => n.toString(16).padStart(8, "0").padEnd(32, "0");

// A button is what a page's script makes of certify.verify.
function buttonOf(w, options) {
  const b = { states: [], ended: [] };
  b.options = Object.assign({ onState(now) { b.states.push(now.state + (now.error ? ":" + now.error.code : "")); } }, options);
  b.press = async () => { w.certify.verify(b.options).then(() => b.ended.push("done"), e => b.ended.push(e.code)); await tick(); };
  return b;
}

// reloaded is the page of another world after a reload: what is in its
// sessionStorage is there.
const reloaded = (w, setup) => world({ sessionStorage: w.context.sessionStorage }, null, setup);

// keptIn has the result of a paid window whose confirmation failed.
async function keptIn(options) {
  const w = world(), b = buttonOf(w, options);
  w.onResult = () => ({ status: 503, code: "store_unavailable", detail: "later" });
  await b.press();
  w.windows[0].done("imp_1");
  await tick();
  assert.equal(b.states.at(-1), "pending:store_unavailable");
  return w;
}

const resultsIn = w => Object.keys(w.context.sessionStorage).filter(name => name.startsWith("certify:result:"));

// startPage gives a world what start.html has.
function startPage(w, returnTo) {
  w.elements = { start: new Element(), verify: new Element(), again: new Element(), status: new Element() };
  w.elements.start.dataset = { path: "/certifications", returnTo, purpose: "" };
}

// notLoaded wants an SDK that no page has.
const notLoaded = () => ({ calls: [{ function: "SDK.missing", args: [], callback: true }] });

const tests = {
  async "what a window said is confirmed after a reload, at no second fee"() {
    const old = await keptIn(), w = reloaded(old), b = buttonOf(w);
    await w.certify.prepare(b.options);
    await tick();
    assert.deepEqual([w.posted, w.began, w.windows.length], [["imp_1"], 0, 0]);
    assert.equal(b.states.at(-1), "done");
    assert.deepEqual(resultsIn(w), [], "and is forgotten then");
  },
  async "a page's own button takes it up as the page loads"() {
    const w = reloaded(await keptIn(), w => { w.document.querySelectorAll = () => [link("/list")]; });
    await tick();
    assert.deepEqual([w.posted, w.went], [["imp_1"], ["/done"]]);
  },
  async "the visitor reads that the verification is done"() {
    const w = reloaded(await keptIn(), w => { w.onResult = () => ({ status: 503, code: "store_unavailable", detail: "Later." }); });
    let said = "";
    await w.certify.prepare({ onState(now) { said = now.text; } });
    await tick();
    assert.equal(said, "Your verification is done and will be confirmed. Later.");
  },
  async "what the site refused is not kept"() {
    const w = world(), b = buttonOf(w);
    w.onResult = () => ({ status: 403, code: "channel_refused", detail: "no" });
    await b.press();
    w.windows[0].done("imp_1");
    await tick();
    assert.equal(b.states.at(-1), "failed:channel_refused");
    assert.deepEqual(resultsIn(w), []);
  },
  async "what is too old, or of another purpose, is not taken up"() {
    const tooOld = await keptIn(), storage = tooOld.context.sessionStorage, [name] = resultsIn(tooOld);
    storage.setItem(name, JSON.stringify(Object.assign(JSON.parse(storage.getItem(name)), { at: 1e12 - 91 * minute })));
    for (const old of [tooOld, await keptIn({ purpose: "signup" })]) {
      const w = reloaded(old);
      await buttonOf(w).press();
      assert.deepEqual([w.posted, w.windows.length], [[], 1]);
    }
  },
  async "a hidden page begins nothing until it is shown"() {
    for (const [why, event] of [["hidden", "visibilitychange"], ["prerendering", "prerenderingchange"]]) {
      const w = world();
      w.document[why] = true;
      w.certify.prepare({});
      w.fire(event);
      await w.pass(minute);
      assert.equal(w.began, 0, why);
      w.document[why] = false;
      w.fire(event);
      await tick();
      assert.equal(w.began, 1, why);
    }
  },
  async "a window that the browser blocks is told by its name"() {
    const w = world(), b = buttonOf(w);
    w.window.open = () => null;
    w.opening = () => w.window.open(); // and the SDK says nothing
    await b.press();
    await w.pass(0);
    assert.equal(b.states.at(-1), "cancelled:popup_blocked");
    w.window.open = () => ({});
    w.opening = (attempt, done) => done({ success: false, error_code: "POPUP_BLOCKED" }); // or the SDK does
    await b.press();
    await tick();
    assert.equal(b.states.at(-1), "cancelled:popup_blocked");
  },
  async "the SDK's own failure is for the developer alone"() {
    const w = world(), b = buttonOf(w);
    let error;
    b.options.onState = now => { error = now.error || error; };
    w.opening = (attempt, done) => done({ success: false, error_code: "PG_TROUBLE", error_msg: "of the vendor's" });
    await b.press();
    await tick();
    assert.deepEqual([error.code, error.cause.error_code], ["cancelled", "PG_TROUBLE"]);
    assert.doesNotMatch(error.detail, /PG_TROUBLE|vendor/);
    assert.deepEqual(w.warnings, ["certify: PG_TROUBLE of the vendor's"]);
  },
  async "what an SDK throws is a sentence, and the developer's exception"() {
    const w = world(), b = buttonOf(w), thrown = new RangeError("of the SDK's");
    let said = "";
    b.options.onState = now => { b.states.push(now.state + (now.error ? ":" + now.error.code : "")); said = now.text; };
    w.opening = () => { throw thrown; };
    await b.press();
    await tick();
    assert.equal(b.states.at(-1), "failed:script_failed");
    assert.equal(said, "Something went wrong. Please try again.");
    assert.deepEqual(w.complaints, [thrown]);
  },
  async "an answer that never comes ends, and may be tried again"() {
    const w = world(), b = buttonOf(w);
    w.hangs = true;
    await b.press();
    assert.equal(b.states.at(-1), "preparing");
    await w.pass(9000);
    assert.equal(b.states.at(-1), "failed:network");
    w.hangs = false;
    await b.press();
    assert.equal(w.windows.length, 1);
  },
  async "a script that never comes ends, and may be tried again"() {
    const w = world(), b = buttonOf(w);
    w.onAttempt = () => ({ calls: [{ function: "SDK.missing", args: ["attempt" + w.began], callback: true }] });
    await b.press();
    await w.pass(9000);
    assert.equal(b.states.at(-1), "failed:script_blocked");
    await w.pass(11000);
    w.certify.prepare(b.options);
    await tick();
    assert.equal(w.scripts.length, 2);
    w.context.SDK.missing = w.context.SDK.open;
    for (const script of w.scripts.reverse()) { // that of the first press is too late
      script.onload();
      await tick();
    }
    await b.press();
    assert.deepEqual(w.windows.map(x => x.attempt), ["attempt2"]);
  },
  async "a confirmation that never comes may be asked for again"() {
    const w = world(), b = buttonOf(w);
    await b.press();
    w.hangs = true;
    w.windows[0].done("imp_1");
    await tick();
    assert.equal(b.states.at(-1), "checking");
    await w.pass(9000);
    assert.equal(b.states.at(-1), "pending:network");
    w.hangs = false;
    await b.press();
    assert.deepEqual([b.states.at(-1), w.windows.length], ["done", 1]);
  },
  async "a page with Trusted Types gets its script by the policy certify"() {
    const made = [];
    const w = world({ trustedTypes: { createPolicy(name, rules) {
      made.push(name);
      return { createScriptURL: address => ({ trusted: rules.createScriptURL(address) }) };
    } } });
    w.onAttempt = notLoaded;
    await buttonOf(w).press();
    assert.deepEqual(made, ["certify"]);
    assert.deepEqual(w.scripts[0].src, { trusted: "x" });
  },
  async "a page that has no such policy, and wants none, gets it, too"() {
    const w = world({ trustedTypes: { createPolicy() { throw new TypeError("not in the list"); } } });
    w.onAttempt = notLoaded;
    await buttonOf(w).press();
    assert.equal(w.scripts[0].src, "x");
  },
  async "an SDK of old is not one that can verify"() {
    const w = world(), b = buttonOf(w);
    w.onAttempt = notLoaded; // SDK is there, SDK.missing is not
    await b.press();
    assert.equal(w.scripts.length, 1);
    w.scripts[0].onload();
    await tick();
    assert.equal(b.states.at(-1), "failed:script_blocked");
  },
  async "names in a user's HTML hide nothing of document"() {
    const hidden = ["currentScript", "cookie", "hidden", "prerendering", "readyState", "documentElement", "body", "head",
      "createElement", "addEventListener", "querySelector", "querySelectorAll", "activeElement", "getElementById"];
    const w = world({}, null, w => {
      for (const name of hidden) { Object.defineProperty(w.hides, name, { value: new Element({ src: "https://evil.example/certify.js" }) }); }
      w.hides.currentScript.src = "https://evil.example/certify.js";
      startPage(w, "/wine");
    });
    w.run(start);
    await tick();
    w.elements.verify.listeners.click();
    await tick();
    assert.equal(w.windows.length, 1);
    await w.certify.prepare({ path: undefined, returnTo: "/b", purpose: "other" });
    w.fire("click", link("/c"));
    await tick();
    for (const asked of w.asked) { assert.doesNotMatch(asked, /evil/); }
  },
  async "elements with the names of an SDK are no SDK"() {
    const named = { Vendor: { open() { throw new Error("an element"); } } }, w = world({}, named);
    w.onAttempt = () => ({ calls: [{ function: "Vendor.open", args: [], callback: true }] });
    await buttonOf(w).press();
    assert.equal(w.scripts.length, 1);
  },
  async "the app's shell at the return completes the callback"() {
    const w = world({}, null, w => {
      Object.assign(w.context.location, { pathname: "/certifications/redirect", search: "?imp_uid=imp_9&success=true&merchant_uid=" + idOf(9) });
      w.document.body.insertBefore = element => { w.button = element; };
    });
    await tick();
    assert.deepEqual([w.posted, w.went], [["imp_9"], ["/done"]]);
    assert.ok(w.button, "a button to press if it fails");
  },
  async "the fragment goes with the return path"() {
    const w = world({}, null, w => startPage(w, "/cellar"));
    w.context.location.hash = "#/red/17";
    w.run(start);
    await tick();
    await w.certify.prepare({ returnTo: "/list?a=b#/white/4" });
    assert.deepEqual(w.asked, ["/certifications/attempts /cellar#/red/17", "https://shop.example/certifications/attempts /list?a=b#/white/4"]);
  },
  async "a fragment that is too long costs nobody the verification"() {
    const w = world(), b = buttonOf(w, { returnTo: "/a#long" });
    w.onAttempt = () => w.asked.at(-1).endsWith("#long") ? { status: 400, code: "return_path_refused", detail: "too long" } : {};
    await b.press();
    assert.deepEqual([w.asked.map(asked => asked.split(" ")[1]), w.windows.length], [["/a#long", "/a"], 1]);
  },
  async "the SDK's layer is gone when the page is shown again"() {
    const w = world(), b = buttonOf(w);
    let removed = 0;
    w.opening = () => w.added({ remove() { removed++; } });
    await b.press();
    w.firesWindow("pageshow", { persisted: false });
    assert.equal(removed, 0);
    w.firesWindow("pageshow", { persisted: true });
    await tick();
    assert.deepEqual([removed, b.states.at(-1), b.ended], [1, "ready", ["cancelled"]]);
  },
  async "a consent manager's document.cookie is not the browser's"() {
    const consent = w => {
      const browsers = Object.getOwnPropertyDescriptor(w.document, "cookie");
      Object.defineProperty(w.document, "cookie", { get: () => "", set() {} });
      const prototype = Object.defineProperty({}, "cookie", w.blocks ? { get: () => "", set() {} } : browsers);
      w.document.createElement = () => Object.assign(new Element(), { contentWindow: { Document: { prototype } }, remove() {} });
    };
    const w = world({}, null, consent), blocked = world({}, null, w => { w.blocks = true; consent(w); }), b = buttonOf(blocked);
    await buttonOf(w).press();
    assert.equal(w.windows.length, 1);
    await b.press();
    assert.deepEqual([b.states.at(-1), blocked.began], ["failed:cookies_blocked", 0]);
  },
  async "a second tab goes straight back once another has the claim"() {
    const w = world(), b = buttonOf(w, { start: "https://shop.example/certifications/?return_to=/list" });
    await w.certify.prepare(b.options);
    await w.pass(1);
    w.firesWindow("blur");
    w.claimed = true;
    await b.press();
    assert.deepEqual([b.states.at(-1), w.windows.length], ["done", 0]);
  },
  async "a tab that is shown again looks, too"() {
    const w = world(), b = buttonOf(w, { start: "https://shop.example/certifications/?return_to=/list" });
    await w.certify.prepare(b.options);
    await w.pass(1);
    w.document.hidden = true;
    w.fire("visibilitychange");
    w.document.hidden = false;
    w.claimed = true;
    w.fire("visibilitychange");
    await tick();
    assert.equal(b.states.at(-1), "done");
  },
  async "pointers that pass over links begin nothing"() {
    const w = world();
    for (let i = 0; i < 20; i++) {
      w.fire("pointerover", link("/p" + i));
      await w.pass(100);
      w.fire("pointerover", new Element());
      await w.pass(1000);
    }
    assert.equal(w.began, 0);
  },
  async "a pointer that stays, over whichever part, begins one"() {
    const w = world(), a = link("/a");
    for (let i = 0; i < 5; i++) { w.fire("pointerover", a); await w.pass(100); }
    assert.equal(w.began, 1);
  },
  async "a press begins at once"() {
    const w = world();
    w.fire("pointerdown", link("/a"));
    await tick();
    assert.equal(w.began, 1);
  },
  async "nothing is begun on a chance while a verification is under way"() {
    const w = world();
    w.fire("click", link("/a"));
    await tick();
    assert.equal(w.windows.length, 1);
    const elsewhere = async state => {
      w.fire("pointerdown", link("/b"));
      w.fire("pointerover", link("/c"));
      await w.pass(400);
      await w.certify.prepare({ returnTo: "/d" });
      assert.equal(w.began, 1, state);
    };
    await elsewhere("waiting");
    await w.pass(9000);
    await elsewhere("stalled");
    w.onResult = () => ({ status: 409, code: "verification_pending", detail: "not yet" });
    w.windows[0].done("imp_1");
    await elsewhere("checking");
    await tick();
    await elsewhere("pending");
  },
  async "a site that refuses is not asked again by every movement"() {
    const w = world();
    w.onAttempt = () => ({ status: 429, code: "start_refused", detail: "too many" });
    for (let i = 0; i < 20; i++) { w.fire("pointerdown", link("/p" + i)); await w.pass(400); }
    assert.equal(w.began, 1);
    await w.pass(11000);
    w.fire("pointerdown", link("/again"));
    await tick();
    assert.equal(w.began, 2);
  },
  async "a press asks at once, even after a failure"() {
    const w = world(), b = buttonOf(w);
    w.onAttempt = () => ({ status: 429, code: "start_refused", detail: "too many" });
    await b.press();
    await b.press();
    assert.equal(w.began, 2);
  },
  async "an attempt that newer ones may have pushed out opens no window"() {
    const w = world(), b = buttonOf(w, { returnTo: "/a" });
    await w.certify.prepare(b.options);
    await w.certify.prepare({ returnTo: "/b" });
    await b.press();
    assert.deepEqual(w.windows.map(x => x.attempt), ["attempt3"]);
  },
  async "an attempt that another tab may have pushed out opens no window"() {
    const w = world(), b = buttonOf(w);
    await w.certify.prepare(b.options);
    w.context.localStorage.setItem("certify:begun", "another tab's");
    await b.press();
    assert.deepEqual(w.windows.map(x => x.attempt), ["attempt2"]);
  },
  async "a window lost for longer than its attempt lives does not leave a dead button"() {
    const w = world(), b = buttonOf(w);
    await b.press();
    await w.pass(9000);
    await w.pass(26 * minute);
    await b.press();
    assert.deepEqual(w.windows.map(x => x.attempt), ["attempt1", "attempt2"]);
    assert.equal(b.states.at(-1), "waiting");
  },
  async "a listener that throws does not keep the window from opening"() {
    const w = world(), b = buttonOf(w, { onState() { throw new Error("the app's"); } });
    await b.press();
    assert.equal(w.windows.length, 1);
    assert.ok(w.complaints.length > 0);
    await w.pass(9000);
    await b.press();
    assert.equal(w.windows.length, 2, "stalled");
    w.windows[1].done("imp_1");
    await tick();
    assert.deepEqual(b.ended, ["done", "done"]);
  },
  async "a status that is nowhere is made"() {
    const w = world(), a = link("/a");
    a.setAttribute("data-certify-status", "#nowhere");
    w.fire("click", a);
    await tick();
    assert.equal(w.windows.length, 1);
    assert.match(a.nextElementSibling.textContent, /window that opened/);
    assert.deepEqual(w.complaints, []);
  },
  async "an element whose id is certify turns nothing off"() {
    const named = new Element();
    named.verify = () => {}; // a form's, and embeds can be called
    assert.notEqual(world({}, { certify: named }).certify.verify, named.verify);
  },
  async "loaded twice it stays one"() {
    const w = world(), first = w.certify;
    w.run(certify);
    assert.equal(w.current(), first);
  },
  async "a second click while the page is being left opens nothing"() {
    const w = world(), a = link("/a");
    w.fire("click", a);
    await tick();
    w.windows[0].done("imp_1");
    await tick();
    assert.deepEqual(w.went, ["/done"]);
    assert.equal(w.fire("click", a).defaultPrevented, true);
    await tick();
    assert.deepEqual([w.began, w.windows.length], [1, 1]);
    await w.pass(minute); // the page is there still
    w.fire("click", a);
    await tick();
    assert.equal(w.windows.length, 2);
  },
  async "a lost window that ends after another brought the claim is not heard"() {
    const w = world(), b = buttonOf(w);
    await b.press();
    await w.pass(9000);
    await b.press();
    w.windows[1].done("imp_2");
    await tick();
    w.windows[0].done("imp_1");
    await tick();
    assert.deepEqual(w.posted, ["imp_2"]);
    assert.equal(b.states.at(-1), "done");
  },
  async "to step up, a script may verify once more"() {
    const w = world(), b = buttonOf(w);
    for (const uid of ["imp_1", "imp_2"]) {
      await b.press();
      w.windows.at(-1).done(uid);
      await tick();
    }
    assert.deepEqual([w.posted, b.ended], [["imp_1", "imp_2"], ["done", "done"]]);
  },
  async "whose login ended meanwhile may sign in again, at no second fee"() {
    const w = world(), b = buttonOf(w);
    await b.press();
    w.onResult = () => ({ status: 403, code: "attempt_other_account", detail: "another account" });
    w.windows[0].done("imp_1");
    await tick();
    assert.equal(b.states.at(-1), "pending:attempt_other_account");
    await b.press(); // too early
    assert.equal(b.states.at(-1), "pending:attempt_other_account");
    w.onResult = () => ({ return_to: "/done" });
    await b.press();
    assert.deepEqual([w.windows.length, w.posted, b.ended],
      [1, ["imp_1", "imp_1", "imp_1"], ["attempt_other_account", "attempt_other_account", "done"]]);
  },
  async "whoever stays another account may begin anew"() {
    const w = world(), b = buttonOf(w);
    w.onResult = () => ({ status: 403, code: "attempt_other_account", detail: "another account" });
    await b.press();
    w.windows[0].done("imp_1");
    await tick();
    for (let looks = 0; looks < 5; looks++) {
      assert.equal(b.states.at(-1), "pending:attempt_other_account");
      await b.press();
    }
    assert.equal(b.states.at(-1), "failed:attempt_other_account");
    await b.press();
    assert.equal(w.windows.length, 2);
  },
  async "the start page gives the keyboard its button back"() {
    const w = world();
    w.elements = { start: new Element(), verify: new Element(), again: new Element(), status: new Element() };
    const { verify, again } = w.elements;
    w.elements.start.dataset = { path: "/certifications", returnTo: "/wine", purpose: "" };
    verify.document = again.document = w.document;
    // As browsers do it: what is disabled or hidden is not focused.
    for (const e of [verify, again]) {
      for (const name of ["disabled", "hidden"]) {
        let value = false;
        Object.defineProperty(e, name, { get: () => value, set: to => { value = to; if (to && w.document.activeElement === e) { w.document.activeElement = w.document.body; } } });
      }
    }
    w.run(start);
    await tick();
    assert.equal(w.document.activeElement, null, "nobody pressed yet");
    const press = async e => { e.focus(); e.listeners.click(); await tick(); };
    await press(verify);
    assert.equal(w.document.activeElement, w.document.body, "waiting");
    await w.pass(9000);
    assert.equal(w.document.activeElement, verify, "stalled");
    await press(verify);
    w.windows[1].done(null);
    await tick();
    assert.equal(w.document.activeElement, verify, "cancelled");
    w.onResult = () => ({ status: 403, code: "channel_refused", detail: "no" });
    await press(verify);
    w.windows[2].done("imp_1");
    await tick();
    assert.equal(w.document.activeElement, verify, "failed");
    w.onResult = () => ({ status: 503, code: "provider_unavailable", detail: "later" });
    await press(verify);
    w.windows[3].done("imp_2");
    await tick();
    assert.equal(w.document.activeElement, again, "pending");
  }
};

(async () => {
  for (const name of Object.keys(tests)) {
    let error = "";
    try { await tests[name](); } catch (e) { error = e.stack; }
    console.log(JSON.stringify({ name, error }));
  }
})();
