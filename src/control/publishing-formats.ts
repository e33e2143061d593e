// What texts may look like in gateways and endpoints.

import type { TextFormat } from './text-format.ts';

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const HOST_PATTERN = new RegExp(`^(?:\\*\\.)?(?:${LABEL}\\.)*${LABEL}$`);
const HOST_NAME = new RegExp(`^(?:${LABEL}\\.)*${LABEL}$`);
const HOST_AND_PORT = new RegExp(`^(?:${LABEL}\\.)*${LABEL}(?::\\d{1,5})?$`);
const ORIGIN = /^(?:\*|https?:\/\/(?:\*\.)?[a-z0-9._-]+(?::\d{1,5})?|https?:\/\/\[[0-9a-f:.]+\](?::\d{1,5})?)$/;
// RFC 9110 §5.6.2 and §5.5.
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const FIELD_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
const URI_REFERENCE = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/;

export const PUBLISHING_FORMATS: Readonly<Record<string, TextFormat>> = {
  'host-pattern': {
    check: (text) => HOST_PATTERN.test(text),
    message: 'must be a host name in small letters, without a port, such as api.example.com or *.example.com',
  },
  origin: {
    check: (text) => ORIGIN.test(text),
    message: 'must be an origin such as https://app.example.com or https://*.example.com, without a path, or *',
  },
  token: {
    check: (text) => TOKEN.test(text),
    message: "must be a word of letters, digits and !#$%&'*+.^_`|~-",
  },
  'field-value': {
    check: (text) => FIELD_VALUE.test(text),
    message: 'must be printable ASCII in one line, without blanks at its ends',
  },
  host: {
    check: (text) => HOST_AND_PORT.test(text),
    message: 'must be target, caller, or a host such as api.internal or api.internal:8080',
  },
  'host-name': {
    check: (text) => HOST_NAME.test(text),
    message: 'must be a host name in small letters, without a port, such as api.example.com',
  },
  pem: {
    check: (text) => /^-----BEGIN CERTIFICATE-----\r?\n/.test(text),
    message: 'must be one or more certificates in PEM, the first line `-----BEGIN CERTIFICATE-----`',
  },
  'revision-name': {
    check: (text) => /^(?:live|draft|[1-9]\d{0,8})$/.test(text),
    message: 'must be live, draft or the number of a revision',
  },
  'uri-reference': {
    check: (text) => URI_REFERENCE.test(text),
    message: 'must be a path such as /v2/orders, or a URL',
  },
};
