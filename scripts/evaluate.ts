/**
 * How well does the built-in model caption scenes that it has never seen?
 *   npm run evaluate -- [--pack public/models/drawn-scenes] [--scenes 500] [--from 1000000] [--json]
 * Draws held-out scenes, captions them with the pack on WebAssembly, and counts a caption as right when it names
 * exactly the kinds of object that were drawn.
 */
import { parseArgs } from 'node:util'
import sharp from 'sharp'
import { decodeImage } from '../src/cli/decode-image.ts'
import { openPackFolder } from '../src/cli/files.ts'
import { preprocess } from '../src/image/preprocess.ts'
import { Blip2 } from '../src/runtime/blip2.ts'
import { openCompute } from '../src/runtime/gpu.ts'
import { drawScene } from '../src/scenes/draw.ts'
import { judgeCaption } from '../src/scenes/judge.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../src/scenes/scene.ts'

const { values } = parseArgs({
  options: {
    pack: { type: 'string', default: 'public/models/drawn-scenes' },
    scenes: { type: 'string', default: '500' },
    from: { type: 'string', default: String(FIRST_HELD_OUT_SEED) },
    json: { type: 'boolean', default: false },
  },
})

async function captionOf(model: Blip2, svg: string): Promise<string> {
  const png = await sharp(Buffer.from(svg)).png().toBuffer()
  const pixels = preprocess(await decodeImage(png), model.manifest.preprocessing)
  let text = ''
  for await (const soFar of model.answer(await model.see(pixels), { prompt: '', maxNewTokens: 40 }))
    text = soFar.text
  return text
}

async function main(): Promise<void> {
  const [from, count] = [Number(values.from), Number(values.scenes)]
  if (!(from >= FIRST_HELD_OUT_SEED)) throw new Error(`Seeds below ${FIRST_HELD_OUT_SEED} were trained on.`)
  const model = await Blip2.load(await openPackFolder(values.pack), await openCompute('wasm'))
  const sums = { right: 0, precision: 0, recall: 0 }
  for (let seed = from; seed < from + count; seed += 1) {
    const scene = makeScene(seed)
    const verdict = judgeCaption(await captionOf(model, drawScene(scene)), scene)
    sums.right += verdict.right ? 1 : 0
    sums.precision += verdict.precision
    sums.recall += verdict.recall
  }
  await model.dispose()
  const percent = (sum: number): number => Math.round((1000 * sum) / count) / 10
  const result = {
    scenes: count,
    from,
    right: percent(sums.right),
    precision: percent(sums.precision),
    recall: percent(sums.recall),
  }
  if (values.json) console.log(JSON.stringify(result))
  else {
    console.log(`${result.right} % of ${count} held-out scenes named exactly right`)
    console.log(`precision ${result.precision} %, recall ${result.recall} % of the kinds drawn`)
  }
}

await main()
