namespace Moesaic.Models.Tests.Families;

[TestFixture("olmoe", Containers.Both)]
public sealed class OlMoeTests(string name, Containers containers) : FamilyTests(name, containers);
