namespace Moesaic.Models.Decoder;

/// <summary>Disposes of objects in the reverse order of their making.</summary>
internal sealed class Disposer : IDisposable
{
    private readonly Stack<IDisposable> _owned = new();

    public T Add<T>(T item)
        where T : class, IDisposable
    {
        _owned.Push(item);
        return item;
    }

    public T? AddOptional<T>(T? item)
        where T : class, IDisposable => item is null ? null : Add(item);

    public void Dispose()
    {
        while (_owned.TryPop(out IDisposable? item))
        {
            item.Dispose();
        }
    }
}
