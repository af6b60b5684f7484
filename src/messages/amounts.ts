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

/** Rounded up, as an estimate is: `12 minutes`. Seconds. */
export function durationText(seconds: number, language: string): string {
  const { unit, value, digits } = inUnitOf(seconds, seconds)
  return unitText(value, language, { unit, unitDisplay: 'long', digits })
}

/** Both ends in the unit of the longer one: `20–44 minutes`. Seconds. */
export function durationRangeText([least, most]: readonly [number, number], language: string): string {
  const [low, high] = [inUnitOf(least, most), inUnitOf(most, most)]
  const { unit, digits } = high
  // Two that read the same would be written as about one of them.
  if (Math.abs(high.value - low.value) < 10 ** -digits / 2) return durationText(most, language)
  const style = { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: digits } as const
  return formatOf(language, style).formatRange(low.value, high.value)
}

/** Seconds in the unit that people count `longest` in. */
function inUnitOf(
  seconds: number,
  longest: number,
): { unit: 'second' | 'minute' | 'hour'; value: number; digits: number } {
  if (longest < 60) return { unit: 'second', value: Math.ceil(seconds), digits: 0 }
  if (longest < 2 * 3600) return { unit: 'minute', value: Math.ceil(seconds / 60), digits: 0 }
  return { unit: 'hour', value: seconds / 3600, digits: 1 }
}

/** A time that was measured: `0.42 s`. Milliseconds. */
export function timeText(ms: number, language: string): string {
  const seconds = ms / 1000
  return unitText(seconds, language, { unit: 'second', unitDisplay: 'narrow', digits: seconds < 1 ? 2 : 1 })
}

/** A part of a second, as measured: `8.3 ms`, `24 ms`. */
export function millisecondsText(ms: number, language: string): string {
  return unitText(ms, language, { unit: 'millisecond', unitDisplay: 'short', digits: ms < 10 ? 1 : 0 })
}
