/**
 * What does the built-in model know of scenes that it has never seen?
 *   npm run evaluate -- [--pack public/models/drawn-scenes] [--scenes 500] [--from 1000000]
 *     [--combinations trained|new] [--noise] [--wording plain|varied|unseen] [--json]
 * Draws held-out scenes, has the pack caption them and answer six questions about each on WebAssembly, and judges all
 * of it against what was drawn. `new` scenes hold combinations that training never showed; `--noise` photographs the
 * scenes as training did; `unseen` wordings ask as training never did.
 */
import { parseArgs } from 'node:util'
import { openPackFolder } from '../../src/cli/files.ts'
import { openTalkingModel } from '../../src/runtime/models/models.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { QUESTION_TYPES } from '../../src/scenes/questions.ts'
import { FIRST_HELD_OUT_SEED, type Combinations } from '../../src/scenes/scene.ts'
import { WORDINGS, type Wording } from '../../src/scenes/wordings.ts'
import { measure } from './evaluation/measure.ts'
import { percent, type Evaluation } from './evaluation/tallies.ts'

const { values } = parseArgs({
  options: {
    pack: { type: 'string', default: 'public/models/drawn-scenes' },
    scenes: { type: 'string', default: '500' },
    from: { type: 'string', default: String(FIRST_HELD_OUT_SEED) },
    combinations: { type: 'string', default: 'trained' },
    noise: { type: 'boolean', default: false },
    wording: { type: 'string', default: 'plain' },
    json: { type: 'boolean', default: false },
  },
})

function combinationsOf(name: string): Combinations {
  if (name !== 'trained' && name !== 'new') throw new Error('--combinations may be trained or new.')
  return name
}

function wordingOf(name: string): Wording {
  const wording = WORDINGS.find((one) => one === name)
  if (wording === undefined) throw new Error(`--wording may be one of ${WORDINGS.join(', ')}.`)
  return wording
}

function report({ captions, questions, ...set }: Evaluation): string {
  const line = (name: string, share: string): string => `${name.padEnd(34)}${share.padStart(8)}`
  const kind = `${set.combinations === 'new' ? 'new combinations' : 'held out'}${set.noise ? ', photographed' : ''}`
  return [
    `${set.scenes} scenes (${kind})`,
    line('named exactly right', percent(captions.right)),
    line('… and nothing else wrong', percent(captions.faultless)),
    line('objects: precision', percent(captions.named)),
    line('objects: recall', percent(captions.drawn)),
    line('colours right', percent(captions.colours)),
    line('relations and places right', percent(captions.relations)),
    `${questions.all.of} questions in ${set.wording} words`,
    line('answered exactly right', percent(questions.all)),
    ...QUESTION_TYPES.map((type) => line(`  ${type}`, percent(questions.types[type]))),
    line('  follow-ups of any type', percent(questions.followUps)),
  ].join('\n')
}

async function main(): Promise<void> {
  const set = {
    scenes: Number(values.scenes),
    from: Number(values.from),
    combinations: combinationsOf(values.combinations),
    noise: values.noise,
    wording: wordingOf(values.wording),
  }
  const model = await openTalkingModel(await openPackFolder(values.pack), await openCompute('wasm'))
  const started = performance.now()
  const evaluation = await measure(model, set, (done) => {
    if (done % 50 !== 0 && done !== set.scenes) return
    const each = (performance.now() - started) / 1000 / done
    console.error(`${done} of ${set.scenes} scenes, ${each.toFixed(2)} s each`)
  })
  await model.dispose()
  console.log(values.json ? JSON.stringify(evaluation) : report(evaluation))
}

await main()
