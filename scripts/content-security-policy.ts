import type { Plugin } from 'vite'

/**
 * What the page may load and do. Models come from servers that the visitor names, so any HTTPS server may be read, and
 * plain HTTP on this machine, where `pictalk serve` is; scripts, styles and workers are the page's own.
 */
const DIRECTIVES = [
  "default-src 'none'",
  // WebAssembly needs to be compiled; JavaScript from strings stays forbidden.
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self' https: http://localhost:* http://127.0.0.1:*",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
]

const CONTENT_SECURITY_POLICY = DIRECTIVES.join('; ')

/** For the HTTP header, which alone can forbid framing. */
export const CONTENT_SECURITY_POLICY_HEADER = [...DIRECTIVES, "frame-ancestors 'none'"].join('; ')

/** Writes the policy into the built page, so that it holds on hosts that send no headers. */
export function contentSecurityPolicy(): Plugin {
  return {
    name: 'pictalk-content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: CONTENT_SECURITY_POLICY },
        injectTo: 'head-prepend',
      },
    ],
  }
}
