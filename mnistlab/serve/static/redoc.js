"use strict";

Redoc.init("openapi.json", { disableSearch: true, hideLoading: true }, document.getElementById("docs"));
