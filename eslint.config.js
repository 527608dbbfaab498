"use strict";

const js = require("@eslint/js");

// Names that do not exist are the type checker's business, which knows what a browser has.
const RULES = {
  ...js.configs.recommended.rules,
  "no-undef": "off",
  "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
  "no-var": "error",
  "prefer-const": "error",
  "prefer-template": "error",
  "object-shorthand": "error",
  "no-shadow": ["error", { allow: ["mnistlab"] }],
  "no-eval": "error",
  "no-implied-eval": "error",
  eqeqeq: "error",
  strict: ["error", "global"],
  "max-lines": ["error", 300],
  "max-lines-per-function": ["error", { max: 60, IIFEs: false }],
  "max-params": ["error", 9],
  "max-len": ["error", { code: 130, ignoreUrls: true }],
};

module.exports = [
  { files: ["**/*.js"], languageOptions: { sourceType: "script", ecmaVersion: 2023 }, rules: RULES },
  { files: ["**/text.*.js"], rules: { "max-len": "off" } }, // a text stands on one line
];
