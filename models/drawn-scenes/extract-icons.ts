/**
 * Takes the icons that the scenes use out of the Fluent Emoji set (MIT, Microsoft) as packaged by Iconify:
 *   npm install --no-save @iconify-json/fluent-emoji-flat@1.2.6 && npx tsx models/drawn-scenes/extract-icons.ts
 */
import { readFileSync, writeFileSync } from 'node:fs'

const NAMES = {
  cat: 'cat-face',
  dog: 'dog-face',
  cow: 'cow-face',
  pig: 'pig-face',
  frog: 'frog',
  panda: 'panda',
  fox: 'fox',
  rabbit: 'rabbit-face',
  penguin: 'penguin',
  duck: 'duck',
  octopus: 'octopus',
  crab: 'crab',
  butterfly: 'butterfly',
  bee: 'honeybee',
  turtle: 'turtle',
  elephant: 'elephant',
  apple: 'red-apple',
  banana: 'banana',
  strawberry: 'strawberry',
  carrot: 'carrot',
  hamburger: 'hamburger',
  pizza: 'pizza',
  cake: 'birthday-cake',
  bus: 'bus',
  bicycle: 'bicycle',
  airplane: 'airplane',
  rocket: 'rocket',
  sailboat: 'sailboat',
  guitar: 'guitar',
  clock: 'alarm-clock',
  tree: 'deciduous-tree',
  cactus: 'cactus',
  sunflower: 'sunflower',
  mushroom: 'mushroom',
  lion: 'lion',
  owl: 'owl',
  snail: 'snail',
  whale: 'spouting-whale',
  pear: 'pear',
  pineapple: 'pineapple',
  train: 'locomotive',
  bell: 'bell',
  key: 'old-key',
  crown: 'crown',
  robot: 'robot',
  ghost: 'ghost',
  lamp: 'light-bulb',
  anchor: 'anchor',
}
const path = process.argv[2] ?? 'node_modules/@iconify-json/fluent-emoji-flat/icons.json'
const { icons } = JSON.parse(readFileSync(path, 'utf8')) as { icons: Record<string, { body: string }> }
const bodies = Object.fromEntries(Object.entries(NAMES).map(([kind, icon]) => [kind, icons[icon]?.body]))
writeFileSync('src/scenes/icons.json', `${JSON.stringify(bodies, null, 1)}\n`)
