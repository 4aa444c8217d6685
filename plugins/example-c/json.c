#include "json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_add(text *out, const char *bytes, size_t len) {
  if (out->failed || len == 0) return;
  if (len > out->capacity - out->len) {
    size_t capacity = (out->len + len) * 2;
    char *grown = realloc(out->data, capacity);
    if (!grown) {
      out->failed = 1;
      return;
    }
    out->data = grown;
    out->capacity = capacity;
  }
  memcpy(out->data + out->len, bytes, len);
  out->len += len;
}

void text_put(text *out, const char *words) { text_add(out, words, strlen(words)); }

void text_put_string(text *out, const char *bytes, size_t len) {
  text_put(out, "\"");
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)bytes[i];
    if (c == '"' || c == '\\') {
      char pair[2] = {'\\', (char)c};
      text_add(out, pair, 2);
    } else if (c < 0x20) {
      char code[8];
      snprintf(code, sizeof code, "\\u%04x", c);
      text_put(out, code);
    } else {
      text_add(out, bytes + i, 1);
    }
  }
  text_put(out, "\"");
}

void text_free(text *out) {
  free(out->data);
  memset(out, 0, sizeof *out);
}

typedef struct reader {
  const char *at, *end;
} reader;

static void space(reader *r) {
  while (r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at) r->at++;
}

static int eat(reader *r, char c) {
  space(r);
  if (r->at == r->end || *r->at != c) return 0;
  r->at++;
  return 1;
}

static int digits(reader *r) {
  const char *from = r->at;
  while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
  return r->at > from;
}

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

static int four_hex(reader *r, unsigned *code) {
  *code = 0;
  for (int i = 0; i < 4; i++) {
    int digit = r->at < r->end ? hex(*r->at++) : -1;
    if (digit < 0) return 0;
    *code = *code * 16 + (unsigned)digit;
  }
  return 1;
}

static void put_utf8(text *out, unsigned code) {
  char bytes[4];
  size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  static const unsigned char lead[] = {0, 0x00, 0xC0, 0xE0, 0xF0};
  for (size_t i = len; i-- > 1; code >>= 6) bytes[i] = (char)(0x80 | (code & 0x3F));
  bytes[0] = (char)(lead[len] | code);
  text_add(out, bytes, len);
}

static int escape(reader *r, text *out) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  if (r->at == r->end) return 0;
  char c = *r->at++;
  if (c == 'u') {
    unsigned code, low;
    if (!four_hex(r, &code)) return 0;
    if (code >= 0xDC00 && code <= 0xDFFF) return 0;
    if (code >= 0xD800 && code <= 0xDBFF) {
      if (r->end - r->at < 2 || r->at[0] != '\\' || r->at[1] != 'u') return 0;
      r->at += 2;
      if (!four_hex(r, &low) || low < 0xDC00 || low > 0xDFFF) return 0;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    if (out) put_utf8(out, code);
    return 1;
  }
  const char *found = c ? strchr(from, c) : NULL;
  if (!found) return 0;
  if (out) text_add(out, to + (found - from), 1);
  return 1;
}

/* A string; into out unless that is NULL. */
static int string(reader *r, text *out) {
  if (!eat(r, '"')) return 0;
  while (r->at < r->end) {
    unsigned char c = (unsigned char)*r->at++;
    if (c == '"') return 1;
    if (c < 0x20) return 0;
    if (c == '\\') {
      if (!escape(r, out)) return 0;
    } else if (out) {
      text_add(out, r->at - 1, 1);
    }
  }
  return 0;
}

static int word(reader *r, const char *expected) {
  size_t len = strlen(expected);
  if ((size_t)(r->end - r->at) < len || memcmp(r->at, expected, len) != 0) return 0;
  r->at += len;
  return 1;
}

static int number(reader *r) {
  if (r->at < r->end && *r->at == '-') r->at++;
  const char *first = r->at;
  if (!digits(r) || (*first == '0' && r->at - first > 1)) return 0;
  if (r->at < r->end && *r->at == '.') {
    r->at++;
    if (!digits(r)) return 0;
  }
  if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
    r->at++;
    if (r->at < r->end && (*r->at == '+' || *r->at == '-')) r->at++;
    if (!digits(r)) return 0;
  }
  return 1;
}

static int value(reader *r, int depth);

static int items(reader *r, int depth, char close, int named) {
  if (eat(r, close)) return 1;
  do {
    if (named && (!string(r, NULL) || !eat(r, ':'))) return 0;
    if (!value(r, depth)) return 0;
  } while (eat(r, ','));
  return eat(r, close);
}

static int value(reader *r, int depth) {
  if (depth == 64) return 0;
  space(r);
  if (r->at == r->end) return 0;
  switch (*r->at) {
    case '{': r->at++; return items(r, depth + 1, '}', 1);
    case '[': r->at++; return items(r, depth + 1, ']', 0);
    case '"': return string(r, NULL);
    case 't': return word(r, "true");
    case 'f': return word(r, "false");
    case 'n': return word(r, "null");
    default: return number(r);
  }
}

int json_is_object(const char *bytes, size_t len) {
  if (len == 0) return 0;
  reader r = {bytes, bytes + len};
  space(&r);
  if (r.at == r.end || *r.at != '{' || !value(&r, 0)) return 0;
  space(&r);
  return r.at == r.end;
}

int json_member(const char *bytes, size_t len, const char *name, const char **found, size_t *found_len) {
  reader r = {bytes, bytes + len};
  if (!json_is_object(bytes, len) || !eat(&r, '{') || eat(&r, '}')) return 0;
  do {
    text key = {NULL, 0, 0, 0};
    int same = string(&r, &key) && key.len == strlen(name) && memcmp(key.data ? key.data : "", name, key.len) == 0;
    text_free(&key);
    if (!eat(&r, ':')) return 0;
    space(&r);
    const char *from = r.at;
    if (!value(&r, 0)) return 0;
    if (same) {
      *found = from;
      *found_len = (size_t)(r.at - from);
      return 1;
    }
  } while (eat(&r, ','));
  return 0;
}

char *json_string(const char *bytes, size_t len, const char *name) {
  const char *from;
  size_t from_len;
  if (!json_member(bytes, len, name, &from, &from_len)) return NULL;
  reader r = {from, from + from_len};
  text out = {NULL, 0, 0, 0};
  int read = string(&r, &out) && !(out.len && memchr(out.data, 0, out.len));
  text_add(&out, "", 1);
  if (read && !out.failed) return out.data;
  text_free(&out);
  return NULL;
}
