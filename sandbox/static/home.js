// "Try it" on the sandbox's own page.
(function () {
  "use strict";
  var form = document.getElementById("try-form");
  var result = document.getElementById("result");

  form.addEventListener("submit", function (event) {
    event.preventDefault();
    window.IMP.init(form.dataset.code);
    var param = { merchant_uid: "try_" + Date.now(), company: "certify sandbox", popup: true };
    var minAge = document.getElementById("min-age").value;
    if (minAge !== "") {
      param.min_age = Number(minAge);
    }
    window.IMP.certification(param, function (rsp) {
      result.textContent = JSON.stringify(rsp, null, 2);
    });
  });
})();
