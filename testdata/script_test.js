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
  focus() { if (!this.disabled && !this.hidden) { this.document.activeElement = this; } }
}

// A world is a page at https://shop.example/list that has loaded the script.
function world(before, named) {
  let now = 1e12;
  const timers = [], listeners = {}, w = { began: 0, windows: [], posted: [], went: [], complaints: [], warnings: [], looked: 0, claimed: false };
  // What the site answers: { status, … } is a problem.
  w.onAttempt = () => ({});
  w.opening = () => {};
  w.onResult = () => ({ return_to: "/done", claim: { age: 30 } });
  const answer = body => Promise.resolve({ ok: !body.status, json: () => Promise.resolve(body) });
  // The members of document are its prototype's, as in browsers.
  const members = w.members = {
    documentElement: { lang: "en" }, activeElement: null, body: new Element(), hidden: false, readyState: "complete",
    currentScript: { nonce: "", src: "https://shop.example/certifications/certify.js" },
    addEventListener(type, f) { listeners[type] = f; },
    querySelector() { return null; },
    querySelectorAll() { return []; },
    createElement() { return new Element(); },
    getElementById(id) { return w.elements[id]; }
  };
  const kept = w.cookies = {};
  Object.defineProperty(members, "cookie", {
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
    MutationObserver: class { observe() {} disconnect() {} },
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
      return answer(Object.assign({ script: "x", merchant_uid: idOf(w.began), opened_cookie: "certify-opened",
        calls: [{ function: "SDK.open", args: ["attempt" + w.began], callback: true }] }, w.onAttempt()));
    },
    SDK: { open(attempt, done) { w.opening(attempt, done); w.windows.push({ attempt, done: uid => done(uid ? { success: true, imp_uid: uid } : { success: false }) }); } }
  };
  Object.assign(context, before);
  // What has an id is found in window, too, but is not window's own.
  const window = context.window = Object.assign(Object.create(named || null), context);
  vm.createContext(context);
  w.run = file => vm.runInContext(fs.readFileSync(file, "utf8"), context);
  w.run(certify);
  w.certify = window.certify;
  w.current = () => window.certify;
  w.document = members;
  w.context = context;
  w.window = window;
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

const tests = {
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
