/** The source of a regular expression, with or without `u`, that finds `text` itself. */
export function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
