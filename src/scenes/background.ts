/** What is behind the objects of a scene. */
import type { Random } from './random.ts'

export type Background =
  | { style: 'plain'; colour: string }
  | { style: 'gradient'; from: string; to: string }
  | { style: 'striped' | 'checked' | 'dotted'; colour: string; mark: string; angle: number }
  | { style: 'field' | 'beach'; sky: string; ground: string; horizon: number }

const PALE: [string, ...string[]] = [
  '#f4efe6',
  '#dcebf7',
  '#e6f2df',
  '#f7e3e3',
  '#ece4f5',
  '#d8d8d8',
  '#fff6cf',
  '#c9e4e0',
]

export function chooseBackground(random: Random): Background {
  const style = random.pick(['plain', 'plain', 'gradient', 'striped', 'checked', 'dotted', 'field', 'beach'])
  switch (style) {
    case 'plain':
      return { style, colour: random.pick(PALE) }
    case 'gradient':
      return { style, from: random.pick(PALE), to: random.pick(PALE) }
    case 'striped':
    case 'checked':
    case 'dotted': {
      const [colour = '#f4efe6', mark = '#c9e4e0'] = random.sample(PALE, 2)
      return { style, colour, mark, angle: random.pick([0, 45, 90, 135]) }
    }
    case 'field':
      return {
        style,
        sky: random.pick(['#bfe3ff', '#a9d6f5', '#ffe0c2']),
        ground: random.pick(['#9bd08a', '#b7d98b', '#86c27a']),
        horizon: random.between(80, 150),
      }
    case 'beach':
      return {
        style,
        sky: random.pick(['#8fd3f4', '#a8e0ef', '#7cc4ea']),
        ground: random.pick(['#f3dfae', '#ead29b', '#f6e7c4']),
        horizon: random.between(80, 150),
      }
  }
}
