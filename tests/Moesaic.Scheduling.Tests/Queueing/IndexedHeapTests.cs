namespace Moesaic.Scheduling.Tests;

internal sealed class IndexedHeapTests
{
    [Test]
    public void Agrees_with_sorting_in_any_order_of_calls()
    {
        Random random = new(3);
        IndexedHeap<Item, Order> heap = new(1);
        List<Item> items = [];
        for (int i = 0; i < 3000; i++)
        {
            switch (random.Next(items.Count > 40 ? 4 : 6))
            {
                case 0 when items.Count > 0:
                    Item removed = items[random.Next(items.Count)];
                    heap.Remove(removed);
                    items.Remove(removed);
                    Assert.That(IndexedHeap<Item, Order>.IsIn(removed), Is.False);
                    break;
                case 1 when items.Count > 0:
                    Item changed = items[random.Next(items.Count)];
                    changed.Key = random.Next(100);
                    heap.Reorder(changed);
                    break;
                default:
                    Item added = new() { Key = random.Next(100) };
                    heap.Add(added);
                    items.Add(added);
                    break;
            }

            Assert.That(heap.Count, Is.EqualTo(items.Count));
            Assert.That(heap.First?.Key, Is.EqualTo(items.MinBy(static x => x.Key)?.Key));
            Assert.That(heap.Items.ToArray().Select((item, index) => item!.Index == index), Has.All.True);
        }
    }

    private sealed class Item
    {
        private int _index = -1;

        public int Key { get; set; }

        public ref int Index => ref _index;
    }

    private readonly struct Order : IHeapOrder<Item>
    {
        public static bool IsBefore(Item a, Item b) => a.Key < b.Key;

        public static ref int IndexOf(Item item) => ref item.Index;
    }
}
