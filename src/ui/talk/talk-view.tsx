import type { ReactElement } from 'react'
import { currentConversation } from '../../state/library-slice.ts'
import { PicturePane } from '../picture/picture-pane.tsx'
import { useApp } from '../store-context.ts'
import { ConversationView } from './conversation-view.tsx'
import { EmptyState } from './empty-state.tsx'

/** Talking about pictures: what was said, and the picture beside it. */
export function TalkView(): ReactElement {
  const conversation = useApp(currentConversation)
  const isAwaited = useApp((state) => state.awaited !== null)
  return (
    <div className={conversation === undefined ? 'talk' : 'talk with-picture'}>
      {conversation !== undefined && (
        <>
          <PicturePane key={conversation.id} conversation={conversation} />
          <ConversationView conversation={conversation} />
        </>
      )}
      {conversation === undefined && !isAwaited && <EmptyState />}
    </div>
  )
}
