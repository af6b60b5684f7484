/** Quantities as people read them, in the language of the page. All by Intl, so units and separators are the language's own. */

const KILO = 1000

/** By language and options, of which there are few; making one costs as much as many numbers. */
const formats = new Map<string, Intl.NumberFormat>()

function formatOf(language: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = language + JSON.stringify(options)
  const format = formats.get(key) ?? new Intl.NumberFormat(language, options)
  formats.set(key, format)
  return format
}

export function numberText(value: number, language: string, digits = 0): string {
  return formatOf(language, { maximumFractionDigits: digits }).format(value)
}

/** A quantity with its unit, as `Intl.NumberFormat` names it. */
function unitText(
  value: number,
  language: string,
  { unit, unitDisplay, digits }: { unit: string; unitDisplay: 'short' | 'long' | 'narrow'; digits: number },
): string {
  const style = { style: 'unit', unit, unitDisplay } as const
  return formatOf(language, { ...style, maximumFractionDigits: digits }).format(value)
}

/** One decimal from a megabyte on, decimal units as disks have them. Bytes. */
export function bytesText(bytes: number, language: string): string {
  if (bytes >= KILO ** 3) return withUnit(bytes / KILO ** 3, 'gigabyte', 1)
  if (bytes >= KILO ** 2) return withUnit(bytes / KILO ** 2, 'megabyte', 1)
  return withUnit(Math.ceil(bytes / KILO), 'kilobyte', 0)

  function withUnit(value: number, unit: string, digits: number): string {
    return unitText(value, language, { unit, unitDisplay: 'short', digits })
  }
}

/** Rounded up, as an estimate is: `12 min`. Seconds. */
export function durationText(seconds: number, language: string): string {
  if (seconds < 60) return withUnit(Math.ceil(seconds), 'second', 0)
  // Two ends of a range are told in one unit for as long as people count in it.
  if (seconds < 2 * 3600) return withUnit(Math.ceil(seconds / 60), 'minute', 0)
  return withUnit(seconds / 3600, 'hour', 1)

  function withUnit(value: number, unit: string, digits: number): string {
    return unitText(value, language, { unit, unitDisplay: 'long', digits })
  }
}

/** A time that was measured: `0.42 s`. Milliseconds. */
export function timeText(ms: number, language: string): string {
  const seconds = ms / 1000
  return unitText(seconds, language, { unit: 'second', unitDisplay: 'narrow', digits: seconds < 1 ? 2 : 1 })
}
