/**
 * Whatever people do, in whatever order, on one page and on two: nothing that was asked is lost, room on the disk or none, what is deleted stays
 * deleted until it is undone, and where nothing is to be done nothing is under way.
 *
 * PICTALK_PROPERTY_RUNS and PICTALK_PROPERTY_SEED have it run longer, or once more.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { drain, type ScriptedPage } from '../../testing/state/scripted-page.ts'
import { ACTIONS, nameOf, World, type Action } from '../../testing/state/world.ts'
import { shownTurns } from '../conversation/conversation.ts'

const seed = Number(process.env['PICTALK_PROPERTY_SEED'] ?? 20260718)
const numRuns = Number(process.env['PICTALK_PROPERTY_RUNS'] ?? 60)

const actions = fc.array(
  fc.record<Action>({
    what: fc.constantFrom(...ACTIONS),
    page: fc.nat({ max: 1 }),
    which: fc.nat({ max: 50 }),
  }),
  // Long ones from the start: what goes wrong takes several steps.
  { maxLength: 60, size: 'max' },
)

const sorted = (names: Iterable<string>): string[] => [...names].sort()

/** Nothing waits and nothing is under way where a model is ready and the engine has nothing to do. */
function expectRest({ store, engine }: ScriptedPage): void {
  const { model, conversations, underWay, tab } = store.getState()
  if (model.status !== 'ready' || engine.pending.length > 0) return
  expect(Object.values(underWay).filter((one) => one.tab === tab)).toEqual([])
  const waiting = conversations
    .flatMap(({ turns }) => turns)
    .flatMap(({ answers }) => Object.values(answers))
    .filter((answer) => answer.status === 'waiting' && answer.tab === tab)
  expect(waiting).toEqual([])
}

/** Both pages and the disk say the same: all that was asked and not removed, each once, answered as it was shown. */
async function expectAllKept(world: World): Promise<void> {
  const disk = await world.onDisk()
  const turns = [...disk.values()].flatMap((one) => one.turns.map((turn) => nameOf(turn, one)))
  expect(sorted(turns)).toEqual(sorted(world.living))
  for (const page of world.pages) {
    const { conversations, underWay } = page.store.getState()
    expect(new Map(conversations.map((one) => [one.id, one]))).toEqual(disk)
    expect(underWay).toEqual({})
    expectRest(page)
  }
  for (const conversation of disk.values()) {
    for (const { id } of conversation.pictures) expect(world.browser.pictures.has(id)).toBe(true)
    for (const turn of conversation.turns) {
      for (const [pictureId, answer] of Object.entries(turn.answers)) {
        const shown = world.finished.get(`${nameOf(turn, conversation)} ${pictureId}`)
        expect(answer.status).not.toBe('waiting')
        if (shown !== undefined) expect(answer).toMatchObject({ status: 'done', text: shown })
      }
    }
    // Every turn can be come to.
    expect(shownTurns(conversation).length > 0 || conversation.turns.length === 0).toBe(true)
  }
}

describe('whatever people do', () => {
  it(`on one page, nothing asked is lost and nothing is under way for ever (seed ${seed})`, async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (list) => {
        const world = await World.of(1)
        const [page] = world.pages
        await world.act({ what: 'add pictures', page: 0, which: 1 })
        for (const action of list) {
          await world.act(action)
          const [now = page] = world.pages
          if (now === undefined) continue
          expect(sorted(world.namesOn(now)), action.what).toEqual(sorted(world.living))
          expectRest(now)
        }
        await world.end()
        await expectAllKept(world)
        // All that can still be brought back comes back.
        while ((world.stacks[0]?.length ?? 0) > 0) await world.act({ what: 'undo', page: 0, which: 0 })
        await world.end()
        await expectAllKept(world)
      }),
      { seed, numRuns },
    )
  })

  it(`on two pages, every finished answer is in the end on the disk, once (seed ${seed})`, async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (list) => {
        const world = await World.of(2)
        await world.act({ what: 'add pictures', page: 0, which: 1 })
        await drain(world.pages)
        for (const action of list) {
          await world.act(action)
          for (const page of world.pages) expectRest(page)
        }
        await world.end()
        await expectAllKept(world)
      }),
      { seed, numRuns },
    )
  })
})
